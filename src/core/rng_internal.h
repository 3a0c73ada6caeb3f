/* Philox and Box-Muller on vectors, shared by the kernels that draw noise on the fly; and the table
 * of the per-ISA entry points. Reference twin: Random123's philox.h in jebm_rng_words().
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_RNG_INTERNAL_H
#define JEBM_RNG_INTERNAL_H

#include "core/rng.h"

/* what a block's counter is made of, besides its index */
typedef struct jebm_rng_site {
    uint32_t key[2];
    uint32_t lane;
    uint64_t step;
} jebm_rng_site;

/* longest piece of normals made at once: rows of d coordinates are cut at this many blocks of 4 */
#define JEBM_NOISE_BLOCKS 64

typedef struct jebm_rng_kernels {
    /* out[4 nblocks]: scale times normals of blocks first .. first + nblocks */
    void (*normals)(const jebm_rng_site *site, uint32_t first, size_t nblocks, float scale,
                    float *out);
    /* out[2 nblocks]: uniforms on (0, 1] of blocks first .. first + nblocks */
    void (*uniforms)(const jebm_rng_site *site, uint32_t first, size_t nblocks, double *out);
} jebm_rng_kernels;

extern const jebm_rng_kernels jebm_rng_kernels_baseline;
extern const jebm_rng_kernels jebm_rng_kernels_avx2;
extern const jebm_rng_kernels jebm_rng_kernels_avx512;

#endif
