/* Names of per-ISA symbols: JEBM_KERNEL(table) is table_<isa>, <isa> being the variant that this
 * compilation is for (-DJEBM_ISA=baseline, avx2 or avx512).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_KERNEL_H
#define JEBM_KERNEL_H

#define JEBM_KERNEL_PASTE(name, isa) name##_##isa
#define JEBM_KERNEL_EXPAND(name, isa) JEBM_KERNEL_PASTE(name, isa)
#define JEBM_KERNEL(name) JEBM_KERNEL_EXPAND(name, JEBM_ISA)

/* In a dispatcher: the entry of the variant in use, from one table a variant. */
#if defined(JEBM_HAVE_AVX512)
#define JEBM_PICK_AVX512(name) &name##_avx512
#else
#define JEBM_PICK_AVX512(name) NULL
#endif
#if defined(JEBM_HAVE_AVX2)
#define JEBM_PICK_AVX2(name) &name##_avx2
#else
#define JEBM_PICK_AVX2(name) NULL
#endif
#define JEBM_PICK(name) \
    { &name##_baseline, JEBM_PICK_AVX2(name), JEBM_PICK_AVX512(name) }

#endif
