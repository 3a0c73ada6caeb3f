/* Which instruction set the hot kernels use: chosen once, at run time.
 *
 * A kernel source is compiled once per instruction set (src/core/meson.build); its dispatcher picks
 * a table by jebm_isa_current(). The environment variable JEBM_ISA (baseline, avx2 or avx512)
 * lowers the choice, never raises it, so that one machine can test all variants.
 *
 * Results are bit-identical for any number of threads on one variant, and agree to rounding
 * between variants.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ISA_H
#define JEBM_ISA_H

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum jebm_isa {
    JEBM_ISA_BASELINE,
    JEBM_ISA_AVX2,
    JEBM_ISA_AVX512,
    JEBM_ISA_COUNT
} jebm_isa;

/* The variant in use: the best that was built, that the CPU and the operating system support, and
 * that JEBM_ISA allows. Decided at the first call and fixed for the process. */
JEBM_API jebm_isa jebm_isa_current(void);

/* Name of the variant in use: "baseline", "avx2" or "avx512". */
JEBM_API const char *jebm_isa_name(void);

/* JEBM_EINVAL with a line if JEBM_ISA is set to a word that is none of the three. */
JEBM_API jebm_status jebm_isa_check(jebm_error *err);

/* Switch variants within a process, for tests and benchmarks; JEBM_EUNSUPPORTED, and no change, if
 * this machine or build lacks it. Not while another thread computes. */
JEBM_API jebm_status jebm_isa_select(jebm_isa isa);

#ifdef __cplusplus
}
#endif

#endif
