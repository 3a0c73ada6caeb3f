/* Weights of a block of walkers; compiled once per instruction set.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel.h"
#include "core/simd.h"
#include "core/weights_internal.h"

#define LANES (JEBM_W / 2)

/* a - a is 0 for finite a and NaN otherwise, and NaN survives a sum */
static bool finite(size_t n, const double *v) {
    vd doubts = {0};
    double doubt = 0.0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const vd a = vd_load(v + i);
        doubts += a - a;
    }
    for (size_t l = 0; l < LANES; l++) {
        doubt += doubts[l];
    }
    for (; i < n; i++) {
        doubt += v[i] - v[i];
    }
    return doubt == 0.0;
}

static double largest(size_t n, const double *v) {
    vd tops = vd_set(v[0]);
    double top = v[0];
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        tops = vd_max(vd_load(v + i), tops);
    }
    for (size_t l = 0; l < LANES; l++) {
        top = tops[l] > top ? tops[l] : top;
    }
    for (; i < n; i++) {
        top = v[i] > top ? v[i] : top;
    }
    return top;
}

static jebm_block_weights block(size_t n, const double *logw, const double *U, float *w) {
    jebm_block_weights b = {.max = largest(n, logw), .finite = finite(n, logw) && finite(n, U)};
    if (!b.finite) {
        return b;
    }
    vd sum = {0}, sum_2 = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const vd v = vd_exp(vd_load(logw + i) - b.max);
        const vh narrow = __builtin_convertvector(v, vh);
        sum += v;
        sum_2 = vd_fma(v, v, sum_2);
        memcpy(w + i, &narrow, sizeof narrow);
    }
    for (size_t l = 0; l < LANES; l++) {
        b.sum += sum[l];
        b.sum_2 += sum_2[l];
    }
    for (; i < n; i++) {
        const double v = exp(logw[i] - b.max);
        b.sum += v;
        b.sum_2 += v * v;
        w[i] = (float)v;
    }
    return b;
}

static double masses(size_t n, const double *logw, double max, double *p) {
    vd sums = {0};
    double sum = 0.0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const vd v = vd_exp(vd_load(logw + i) - max);
        memcpy(p + i, &v, sizeof v);
        sums += v;
    }
    for (size_t l = 0; l < LANES; l++) {
        sum += sums[l];
    }
    for (; i < n; i++) {
        p[i] = exp(logw[i] - max);
        sum += p[i];
    }
    return sum;
}

const jebm_weights_kernels JEBM_KERNEL(jebm_weights_kernels) = {block, finite, masses};
