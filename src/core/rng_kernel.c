/* Normals and uniforms in bulk; compiled once per instruction set.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel.h"
#include "core/rng_vector.h"

static void normals(const jebm_rng_site *site, uint32_t first, size_t nblocks, float scale,
                    float *out) {
    const vu lane_block = JEBM_LANE_BLOCK;
    const float variance_2 = -2.0f * scale * scale;
    size_t b = 0;
    for (; b + JEBM_W <= nblocks; b += JEBM_W) {
        normals_vector(lane_block + (first + (uint32_t)b), site, variance_2, out + 4 * b);
    }
    if (b < nblocks) {
        float rest[4 * JEBM_W];
        normals_vector(lane_block + (first + (uint32_t)b), site, variance_2, rest);
        memcpy(out + 4 * b, rest, 4 * (nblocks - b) * sizeof rest[0]);
    }
}

/* 52 bits of two words as a double in [1, 2), and 2 minus it */
JEBM_INLINE vd uniform_vector(vw low, vw high) {
    const vw bits = (((low & 0xffffffffu) | (high << 32)) >> 12) | 0x3ff0000000000000u;
    vd u;
    memcpy(&u, &bits, sizeof u);
    return 2.0 - u;
}

static void uniforms(const jebm_rng_site *site, uint32_t first, size_t nblocks, double *out) {
    vu ramp;
    for (int l = 0; l < JEBM_W; l++) {
        ramp[l] = (uint32_t)l;
    }
    for (size_t b = 0; b < nblocks; b += JEBM_W) {
        vw even[4], odd[4];
        philox_pair(ramp + (first + (uint32_t)b), site, even, odd);
        const vd u[4] = {uniform_vector(even[0], even[1]), uniform_vector(even[2], even[3]),
                         uniform_vector(odd[0], odd[1]), uniform_vector(odd[2], odd[3])};
        for (size_t l = 0; l < JEBM_W && b + l < nblocks; l++) {
            out[2 * (b + l)] = u[2 * (l % 2)][l / 2];
            out[2 * (b + l) + 1] = u[2 * (l % 2) + 1][l / 2];
        }
    }
}

const jebm_rng_kernels JEBM_KERNEL(jebm_rng_kernels) = {normals, uniforms};
