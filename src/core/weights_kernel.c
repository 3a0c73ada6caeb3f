/* Weights of a block of walkers; compiled once per instruction set.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel.h"
#include "core/simd.h"
#include "core/weights_internal.h"

#define LANES (JEBM_W / 2)

static jebm_block_weights block(size_t n, const double *logw, const double *U, float *w) {
    jebm_block_weights b = {.max = logw[0], .finite = true};
    /* a - a is 0 for finite a and NaN otherwise, and NaN survives a sum */
    double doubt = 0.0;
    for (size_t i = 0; i < n; i++) {
        b.max = logw[i] > b.max ? logw[i] : b.max;
        doubt += (logw[i] - logw[i]) + (U[i] - U[i]);
    }
    b.finite = doubt == 0.0;
    if (!b.finite) {
        return b;
    }
    vd sum = {0}, sum_2 = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const vd v = vd_exp(vd_load(logw + i) - b.max);
        sum += v;
        sum_2 = vd_fma(v, v, sum_2);
        for (size_t l = 0; l < LANES; l++) {
            w[i + l] = (float)v[l];
        }
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

const jebm_weights_kernels JEBM_KERNEL(jebm_weights_kernels) = {block, masses};
