/* Vectors for the kernels: GCC/clang vector extensions, plus the few operations that these cannot
 * express (fused multiply-add, square root, 32x32->64 multiplication, masked tails), written for
 * AVX-512, AVX2+FMA and NEON, with a portable fallback that needs no particular instruction set.
 *
 * Internal: included by *_kernel.c only, which are compiled once per instruction set.
 *
 *   vf  JEBM_W floats        vi, vu  JEBM_W 32-bit (un)signed
 *   vd  JEBM_W/2 doubles     vw      JEBM_W/2 64-bit unsigned
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_SIMD_H
#define JEBM_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>
#define JEBM_W 16
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define JEBM_W 8
#else
#define JEBM_W 4
#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
#endif

#define JEBM_VECTOR(type) __attribute__((vector_size(4 * JEBM_W))) type
typedef JEBM_VECTOR(float) vf;
typedef JEBM_VECTOR(int32_t) vi;
typedef JEBM_VECTOR(uint32_t) vu;
typedef JEBM_VECTOR(uint64_t) vw;
typedef JEBM_VECTOR(double) vd;
typedef float vh __attribute__((vector_size(2 * JEBM_W))); /* as many floats as vd has doubles */

#define JEBM_INLINE static inline __attribute__((always_inline, unused))

JEBM_INLINE vf vf_set(float x) {
    return x - (vf){0};
}

JEBM_INLINE vd vd_set(double x) {
    return x - (vd){0};
}

JEBM_INLINE vf vf_load(const float *p) {
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

JEBM_INLINE void vf_store(float *p, vf v) {
    memcpy(p, &v, sizeof v);
}

JEBM_INLINE vd vd_load(const double *p) {
    vd v;
    memcpy(&v, p, sizeof v);
    return v;
}

JEBM_INLINE void vd_store(double *p, vd v) {
    memcpy(p, &v, sizeof v);
}

/* as many floats as vd has lanes */
JEBM_INLINE vd vd_load_floats(const float *p) {
    vh narrow;
    memcpy(&narrow, p, sizeof narrow);
    return __builtin_convertvector(narrow, vd);
}

/* reinterpret bits */
JEBM_INLINE vf vf_bits(vu v) {
    vf r;
    memcpy(&r, &v, sizeof r);
    return r;
}

JEBM_INLINE vu vu_bits(vf v) {
    vu r;
    memcpy(&r, &v, sizeof r);
    return r;
}

/* mask ? a : b, lane by lane; mask lanes are 0 or all ones */
JEBM_INLINE vf vf_select(vi mask, vf a, vf b) {
    return vf_bits(((vu)mask & vu_bits(a)) | (~(vu)mask & vu_bits(b)));
}

JEBM_INLINE vd vd_max(vd a, vd b) {
    const vw mask = (vw)(a > b);
    vw x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    x = (mask & x) | (~mask & y);
    memcpy(&a, &x, sizeof a);
    return a;
}

JEBM_INLINE vf vf_min(vf a, vf b) {
    return vf_select(a < b, a, b);
}

/* a*b + c and c - a*b, rounded once where the instruction set can */
JEBM_INLINE vf vf_fma(vf a, vf b, vf c) {
#if JEBM_W == 16
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif JEBM_W == 8
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
    return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

JEBM_INLINE vf vf_fnma(vf a, vf b, vf c) {
#if JEBM_W == 16
    return (vf)_mm512_fnmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif JEBM_W == 8
    return (vf)_mm256_fnmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
    return (vf)vfmsq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return c - a * b;
#endif
}

JEBM_INLINE vd vd_fma(vd a, vd b, vd c) {
#if JEBM_W == 16
    return (vd)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif JEBM_W == 8
    return (vd)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(__aarch64__)
    return (vd)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return a * b + c;
#endif
}

JEBM_INLINE vf vf_sqrt(vf a) {
#if JEBM_W == 16
    return (vf)_mm512_sqrt_ps((__m512)a);
#elif JEBM_W == 8
    return (vf)_mm256_sqrt_ps((__m256)a);
#elif defined(__SSE2__)
    return (vf)_mm_sqrt_ps((__m128)a);
#elif defined(__aarch64__)
    return (vf)vsqrtq_f32((float32x4_t)a);
#else
    for (int l = 0; l < JEBM_W; l++) {
        a[l] = sqrtf(a[l]);
    }
    return a;
#endif
}

/* 64-bit products of the low halves of a's lanes by a 32-bit constant; high halves are ignored */
JEBM_INLINE vw vw_mul32(vw a, uint32_t b) {
#if JEBM_W == 16
    return (vw)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64((long long)b));
#elif JEBM_W == 8
    return (vw)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x((long long)b));
#elif defined(__SSE2__)
    return (vw)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x((long long)b));
#else
    return (a & 0xffffffffu) * (uint64_t)b;
#endif
}

/* the first n < JEBM_W floats at p, zeros behind; and their store */
JEBM_INLINE vf vf_load_tail(const float *p, size_t n) {
#if JEBM_W == 16
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), p);
#elif JEBM_W == 8
    const vi lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return (vf)_mm256_maskload_ps(p, (__m256i)(lane < (int32_t)n));
#else
    vf v = {0};
    for (size_t l = 0; l < n; l++) {
        v[l] = p[l];
    }
    return v;
#endif
}

JEBM_INLINE void vf_store_tail(float *p, size_t n, vf v) {
#if JEBM_W == 16
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), (__m512)v);
#elif JEBM_W == 8
    const vi lane = {0, 1, 2, 3, 4, 5, 6, 7};
    _mm256_maskstore_ps(p, (__m256i)(lane < (int32_t)n), (__m256)v);
#else
    for (size_t l = 0; l < n; l++) {
        p[l] = v[l];
    }
#endif
}

/* the lanes of a that the mask has, side by side at p, where JEBM_W floats are written */
JEBM_INLINE void vf_compress(float *p, vi mask, vf a) {
#if JEBM_W == 16
    vf_store(p, (vf)_mm512_maskz_compress_ps(_mm512_movepi32_mask((__m512i)mask), (__m512)a));
#else
    size_t n = 0;
    for (size_t l = 0; l < JEBM_W; l++) {
        /* written in any case, kept if the mask has it: no branch to mispredict */
        p[n] = a[l];
        n += (size_t)(mask[l] & 1);
    }
#endif
}

/* how many lanes a mask has */
JEBM_INLINE size_t vi_count(vi mask) {
#if JEBM_W == 16
    return (size_t)__builtin_popcount(_mm512_movepi32_mask((__m512i)mask));
#else
    int32_t n = 0;
    for (size_t l = 0; l < JEBM_W; l++) {
        n -= mask[l];
    }
    return (size_t)n;
#endif
}

/* before a loop over JEBM_W lanes or rows whose arrays are to live in registers; clang unrolls
 * these by itself, and warns of a pragma that it meets after it has */
#if defined(__clang__)
#define JEBM_UNROLL
#else
#define JEBM_UNROLL _Pragma("GCC unroll 16")
#endif

#if defined(__clang__) || __GNUC__ >= 12
#define JEBM_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#error "the kernels need __builtin_shufflevector: gcc 12 or later, or clang"
#endif

/* Sum of the lanes of each of the JEBM_W vectors p[0..JEBM_W): lane l of the result is the sum of
 * p[l]. A tree of pairwise adds and shuffles; destroys p. */
JEBM_INLINE vf vf_reduce_rows(vf p[JEBM_W]) {
#if JEBM_W == 16
    for (int i = 0; i < 8; i++) {
        vf a = p[i], b = p[i + 8];
        p[i] = JEBM_SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
               JEBM_SHUFFLE(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
    for (int i = 0; i < 4; i++) {
        vf a = p[i], b = p[i + 4];
        p[i] = JEBM_SHUFFLE(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
               JEBM_SHUFFLE(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    }
    for (int i = 0; i < 2; i++) {
        vf a = p[i], b = p[i + 2];
        p[i] = JEBM_SHUFFLE(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
               JEBM_SHUFFLE(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
    vf a = p[0], b = p[1];
    return JEBM_SHUFFLE(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
           JEBM_SHUFFLE(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
#elif JEBM_W == 8
    for (int i = 0; i < 4; i++) {
        vf a = p[i], b = p[i + 4];
        p[i] = JEBM_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +
               JEBM_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    }
    for (int i = 0; i < 2; i++) {
        vf a = p[i], b = p[i + 2];
        p[i] = JEBM_SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +
               JEBM_SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
    vf a = p[0], b = p[1];
    return JEBM_SHUFFLE(a, b, 0, 8, 2, 10, 4, 12, 6, 14) +
           JEBM_SHUFFLE(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
#else
    for (int i = 0; i < 2; i++) {
        vf a = p[i], b = p[i + 2];
        p[i] = JEBM_SHUFFLE(a, b, 0, 1, 4, 5) + JEBM_SHUFFLE(a, b, 2, 3, 6, 7);
    }
    vf a = p[0], b = p[1];
    return JEBM_SHUFFLE(a, b, 0, 4, 2, 6) + JEBM_SHUFFLE(a, b, 1, 5, 3, 7);
#endif
}

/* Transpose each 4x4 block that four vectors hold in their 128-bit parts: part g of out[m] is lane
 * 4g+m of in[0], in[1], in[2], in[3]. */
JEBM_INLINE void vf_transpose4(const vf in[4], vf out[4]) {
#if JEBM_W == 16
#define JEBM_LO 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define JEBM_HI 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define JEBM_LL 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define JEBM_HH 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#elif JEBM_W == 8
#define JEBM_LO 0, 8, 1, 9, 4, 12, 5, 13
#define JEBM_HI 2, 10, 3, 11, 6, 14, 7, 15
#define JEBM_LL 0, 1, 8, 9, 4, 5, 12, 13
#define JEBM_HH 2, 3, 10, 11, 6, 7, 14, 15
#else
#define JEBM_LO 0, 4, 1, 5
#define JEBM_HI 2, 6, 3, 7
#define JEBM_LL 0, 1, 4, 5
#define JEBM_HH 2, 3, 6, 7
#endif
    const vf lo01 = JEBM_SHUFFLE(in[0], in[1], JEBM_LO), hi01 = JEBM_SHUFFLE(in[0], in[1], JEBM_HI);
    const vf lo23 = JEBM_SHUFFLE(in[2], in[3], JEBM_LO), hi23 = JEBM_SHUFFLE(in[2], in[3], JEBM_HI);
    out[0] = JEBM_SHUFFLE(lo01, lo23, JEBM_LL);
    out[1] = JEBM_SHUFFLE(lo01, lo23, JEBM_HH);
    out[2] = JEBM_SHUFFLE(hi01, hi23, JEBM_LL);
    out[3] = JEBM_SHUFFLE(hi01, hi23, JEBM_HH);
#undef JEBM_LO
#undef JEBM_HI
#undef JEBM_LL
#undef JEBM_HH
}

/* log x for normal x > 0; relative error below 1.2e-7 (polynomial of Cephes logf, Moshier, public
 * domain) */
JEBM_INLINE vf vf_log(vf x) {
    /* x = m 2^e with m in [sqrt(1/2), sqrt(2)) */
    const vu bits = vu_bits(x);
    const vu shifted = bits - 0x3f3504f3u;
    const vi e = (vi)shifted >> 23;
    const vf m = vf_bits(bits - ((vu)e << 23)) - 1.0f;
    vf p = vf_fma(m, vf_set(7.0376836292e-2f), vf_set(-1.1514610310e-1f));
    p = vf_fma(m, p, vf_set(1.1676998740e-1f));
    p = vf_fma(m, p, vf_set(-1.2420140846e-1f));
    p = vf_fma(m, p, vf_set(1.4249322787e-1f));
    p = vf_fma(m, p, vf_set(-1.6668057665e-1f));
    p = vf_fma(m, p, vf_set(2.0000714765e-1f));
    p = vf_fma(m, p, vf_set(-2.4999993993e-1f));
    p = vf_fma(m, p, vf_set(3.3333331174e-1f));
    p = vf_fma(m, p, vf_set(-0.5f));
    p = vf_fma(m * m, p, m);
    return vf_fma(__builtin_convertvector(e, vf), vf_set(0.693147180559945f), p);
}

/* exp x for x <= 0, 0 below -87; relative error below 2e-7 (Cephes expf) */
JEBM_INLINE vf vf_exp(vf x) {
    const vi tiny = x < -87.0f;
    x = vf_select(tiny, vf_set(0.0f), x);
    /* n = round(x / log 2) by the magic constant 1.5 2^23 */
    const vf shift = vf_set(12582912.0f);
    const vf biased = vf_fma(x, vf_set(1.44269504088896341f), shift);
    const vf n = biased - shift;
    vf r = vf_fnma(n, vf_set(0.693359375f), x);
    r = vf_fnma(n, vf_set(-2.12194440e-4f), r);
    vf p = vf_fma(r, vf_set(1.9875691500e-4f), vf_set(1.3981999507e-3f));
    p = vf_fma(r, p, vf_set(8.3334519073e-3f));
    p = vf_fma(r, p, vf_set(4.1665795894e-2f));
    p = vf_fma(r, p, vf_set(1.6666665459e-1f));
    p = vf_fma(r, p, vf_set(5.0000001201e-1f));
    p = vf_fma(r * r, p, r) + 1.0f;
    const vf y = vf_bits(vu_bits(p) + (vu_bits(biased) << 23));
    return vf_select(tiny, vf_set(0.0f), y);
}

/* exp x in double for x <= 0, 0 below -708; relative error below 4e-16 (Taylor to degree 13 on
 * |r| <= log(2)/2, remainder 2^-57) */
JEBM_INLINE vd vd_exp(vd x) {
    const vw tiny = (vw)(x < -708.0);
    vw bits;
    const vd shift = vd_set(6755399441055744.0);
    vd biased = vd_fma(x, vd_set(1.4426950408889634), shift);
    const vd n = biased - shift;
    vd r = vd_fma(n, vd_set(-6.93147180369123816490e-01), x);
    r = vd_fma(n, vd_set(-1.90821492927058770002e-10), r);
    static const double c[] = {1.0 / 6227020800,
                               1.0 / 479001600,
                               1.0 / 39916800,
                               1.0 / 3628800,
                               1.0 / 362880,
                               1.0 / 40320,
                               1.0 / 5040,
                               1.0 / 720,
                               1.0 / 120,
                               1.0 / 24,
                               1.0 / 6,
                               0.5,
                               1.0,
                               1.0};
    vd p = vd_set(c[0]);
    for (int i = 1; i < 14; i++) {
        p = vd_fma(p, r, vd_set(c[i]));
    }
    memcpy(&bits, &biased, sizeof bits);
    vw y;
    memcpy(&y, &p, sizeof y);
    y = (y + (bits << 52)) & ~tiny;
    memcpy(&p, &y, sizeof p);
    return p;
}

#endif
