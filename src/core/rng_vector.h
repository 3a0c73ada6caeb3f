/* Philox4x32-10 and Box-Muller on vectors of JEBM_W counters. Included by kernels only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_RNG_VECTOR_H
#define JEBM_RNG_VECTOR_H

#include "core/rng_internal.h"
#include "core/simd.h"

/* One Philox half: JEBM_W/2 counters, one in each 64-bit lane. Only the low halves of the lanes
 * count; the products leave the high halves dirty, which the next multiplication ignores, so a
 * round is 2 multiplications, 2 shifts and 2 three-way xors and never shuffles. */
JEBM_INLINE void philox_half(vw c[4], const jebm_rng_site *site) {
    uint32_t k0 = site->key[0], k1 = site->key[1];
    for (int round = 0; round < 10; round++) {
        const vw p0 = vw_mul32(c[0], 0xD2511F53u), p1 = vw_mul32(c[2], 0xCD9E8D57u);
        c[0] = (p1 >> 32) ^ c[1] ^ (uint64_t)k0;
        c[1] = p1;
        c[2] = (p0 >> 32) ^ c[3] ^ (uint64_t)k1;
        c[3] = p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

/* the four output words of the JEBM_W blocks whose indices are given, as even and odd halves */
JEBM_INLINE void philox_pair(vu index, const jebm_rng_site *site, vw even[4], vw odd[4]) {
    vw pairs;
    memcpy(&pairs, &index, sizeof pairs);
    const vw zero = {0};
    even[0] = pairs;
    odd[0] = pairs >> 32;
    even[1] = odd[1] = zero + (uint64_t)site->lane;
    even[2] = odd[2] = zero + (site->step & 0xffffffffu);
    even[3] = odd[3] = zero + (site->step >> 32);
    philox_half(even, site);
    philox_half(odd, site);
}

JEBM_INLINE void philox_vector(vu index, const jebm_rng_site *site, vu words[4]) {
    vw even[4], odd[4];
    philox_pair(index, site, even, odd);
    for (int i = 0; i < 4; i++) {
        const vw merged = (even[i] & 0xffffffffu) | (odd[i] << 32);
        memcpy(&words[i], &merged, sizeof merged);
    }
}

/* Two normals from two words: the radius sqrt(-2 log u) from the upper 31 bits of a, u in (0, 1],
 * and an angle of b/2^33 turns, b signed, in the right half of the circle, which the lowest bit of
 * a mirrors to the left one. Polynomials of degree 9 and 10 on [-pi/2, pi/2], absolute error below
 * 5e-9 (Chebyshev interpolation in the squared angle). variance_2 is -2 scale^2. */
JEBM_INLINE void box_muller(vu a, vu b, float variance_2, vf *x, vf *y) {
    const vf u =
        vf_fma(__builtin_convertvector((vi)(a >> 1), vf), vf_set(0x1p-31f), vf_set(0x1p-32f));
    const vf radius = vf_sqrt(vf_log(u) * variance_2);
    const vf t = __builtin_convertvector((vi)b, vf) * 7.31459033633579845e-10f;
    const vf t2 = t * t;
    vf s = vf_fma(t2, vf_set(2.6051076353e-6f), vf_set(-1.9809017409e-4f));
    s = vf_fma(t2, s, vf_set(8.3330501707e-3f));
    s = vf_fma(t2, s, vf_set(-1.6666657948e-1f));
    s = vf_fma(t2, s, vf_set(1.0f));
    vf c = vf_fma(t2, vf_set(-2.6050657494e-7f), vf_set(2.4760109673e-5f));
    c = vf_fma(t2, c, vf_set(-1.3888360284e-3f));
    c = vf_fma(t2, c, vf_set(4.1666636160e-2f));
    c = vf_fma(t2, c, vf_set(-4.9999999355e-1f));
    c = vf_fma(t2, c, vf_set(1.0f));
    *x = radius * vf_bits(vu_bits(c) ^ (a << 31));
    *y = radius * (t * s);
}

/* position, within a group of JEBM_W blocks, of the block that lane 4g+m computes: m JEBM_W/4 + g,
 * so that after the transposition four vectors hold the group's 4 JEBM_W normals in order */
#if JEBM_W == 16
#define JEBM_LANE_BLOCK \
    { 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15 }
#elif JEBM_W == 8
#define JEBM_LANE_BLOCK \
    { 0, 2, 4, 6, 1, 3, 5, 7 }
#else
#define JEBM_LANE_BLOCK \
    { 0, 1, 2, 3 }
#endif

/* out[4 JEBM_W]: the normals of JEBM_W blocks; index in the lane order above */
JEBM_INLINE void normals_vector(vu index, const jebm_rng_site *site, float variance_2, float *out) {
    vu words[4];
    vf normal[4], row[4];
    philox_vector(index, site, words);
    box_muller(words[0], words[1], variance_2, &normal[0], &normal[1]);
    box_muller(words[2], words[3], variance_2, &normal[2], &normal[3]);
    vf_transpose4(normal, row);
    for (int i = 0; i < 4; i++) {
        vf_store(out + i * JEBM_W, row[i]);
    }
}

#endif
