/* The one seam for matrix products, behind which the back ends stand.
 *
 *   reference   plain C loops, sums in double: kept for ever, what the others are tested against
 *   openblas    sgemm, single-threaded
 *   onednn      oneDNN's matmul in fp32
 *   bf16        oneDNN's matmul on bf16 inputs, sums in fp32: for CPUs with AMX; with AVX-512 alone
 *               it is slower than fp32
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_GEMM_H
#define JEBM_GEMM_H

#include "core/status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum jebm_gemm_backend {
    JEBM_GEMM_REFERENCE,
    JEBM_GEMM_OPENBLAS,
    JEBM_GEMM_ONEDNN,
    JEBM_GEMM_BF16,
    JEBM_GEMM_COUNT
} jebm_gemm_backend;

/* "reference", "openblas", "onednn", "bf16"; NULL beyond the last. */
JEBM_API const char *jebm_gemm_name(jebm_gemm_backend backend);

/* Is it in this build, and for this CPU? */
JEBM_API bool jebm_gemm_available(jebm_gemm_backend backend);

/* The fastest fp32 back end of this build and CPU, by rule and not by the clock, so that a run that
 * is resumed computes what it would have computed: onednn, openblas, reference in this order. */
JEBM_API jebm_gemm_backend jebm_gemm_default(void);

/* The version of the library behind a back end; false where there is none in this build. */
JEBM_API bool jebm_gemm_version(jebm_gemm_backend backend, char text[160]);

/* NULL, or one line that says why openblas will be slow here: its kernels are those of a CPU older
 * than this one (FACTS: "Prescott" on CPUs it does not know), and what to set. */
JEBM_API const char *jebm_gemm_warning(void);

#ifdef __cplusplus
}
#endif

#endif
