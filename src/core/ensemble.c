/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ensemble.h"

#include "core/isa.h"
#include "core/kernel.h"
#include "core/weights_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* cache lines */
#define ALIGN 64

static uint64_t rounded(uint64_t bytes) {
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

uint64_t jebm_ensemble_bytes(size_t n, size_t d, size_t cache_width) {
    return rounded((uint64_t)n * d * sizeof(float)) +
           rounded((uint64_t)n * cache_width * sizeof(float)) +
           2 * rounded((uint64_t)n * sizeof(double));
}

jebm_status jebm_ensemble_init(jebm_ensemble *e, size_t n, size_t d, size_t cache_width,
                               jebm_error *err) {
    memset(e, 0, sizeof *e);
    if (n == 0 || d == 0) {
        return jebm_fail(err, JEBM_EINVAL,
                         "an ensemble needs walkers and dimensions, found %zu x %zu", n, d);
    }
    const size_t nblocks = d / 4 + (d % 4 != 0);
    if (n > UINT32_MAX / nblocks) {
        return jebm_fail(
            err, JEBM_EINVAL,
            "%zu walkers of dimension %zu exceed the generator's 2^32 blocks of noise a "
            "step: use at most %zu walkers",
            n, d, UINT32_MAX / nblocks);
    }
    const uint64_t bytes = jebm_ensemble_bytes(n, d, cache_width);
    char *p = bytes < SIZE_MAX / 2 ? aligned_alloc(ALIGN, bytes) : NULL;
    if (p == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu walkers of dimension %zu (%.1f GiB)",
                         n, d, (double)bytes / 0x1p30);
    }
    memset(p, 0, bytes);
    *e = (jebm_ensemble){.n = n, .d = d, .cache_width = cache_width, .storage = p};
    e->x = (float *)p;
    p += rounded((uint64_t)n * d * sizeof(float));
    e->cache = (float *)p;
    p += rounded((uint64_t)n * cache_width * sizeof(float));
    e->logw = (double *)p;
    p += rounded((uint64_t)n * sizeof(double));
    e->U = (double *)p;
    return JEBM_OK;
}

void jebm_ensemble_free(jebm_ensemble *e) {
    if (e != NULL) {
        free(e->storage);
        memset(e, 0, sizeof *e);
    }
}

const jebm_weights_kernels *jebm_weights_kernels_current(void) {
    static const jebm_weights_kernels *const table[JEBM_ISA_COUNT] =
        JEBM_PICK(jebm_weights_kernels);
    return table[jebm_isa_current()];
}

jebm_status jebm_weights_largest(size_t n, const double *logw, double *max) {
    double top = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (isnan(logw[i]) || logw[i] == INFINITY) {
            return JEBM_EDIVERGE;
        }
        top = logw[i] > top ? logw[i] : top;
    }
    *max = top;
    return top == -INFINITY ? JEBM_EDIVERGE : JEBM_OK;
}

jebm_status jebm_weight_stats_of(size_t n, const double *logw, jebm_weight_stats *stats) {
    double max = 0.0, sum = 0.0, sum_2 = 0.0;
    JEBM_TRY(jebm_weights_largest(n, logw, &max));
    for (size_t i = 0; i < n; i++) {
        const double w = exp(logw[i] - max);
        sum += w;
        sum_2 += w * w;
    }
    *stats = (jebm_weight_stats){max, max + log(sum / (double)n), sum * sum / (sum_2 * (double)n)};
    return JEBM_OK;
}

jebm_status jebm_weights_normalise(size_t n, const double *logw, double *p) {
    double max = 0.0;
    JEBM_TRY(jebm_weights_largest(n, logw, &max));
    const double sum = jebm_weights_kernels_current()->masses(n, logw, max, p);
    for (size_t i = 0; i < n; i++) {
        p[i] /= sum;
    }
    return JEBM_OK;
}

jebm_status jebm_weights_combine(size_t nblocks, const jebm_block_weights *part, size_t n,
                                 jebm_weight_stats *stats) {
    double max = -INFINITY, sum = 0.0, sum_2 = 0.0;
    for (size_t b = 0; b < nblocks; b++) {
        if (!part[b].finite) {
            return JEBM_EDIVERGE;
        }
        max = part[b].max > max ? part[b].max : max;
    }
    for (size_t b = 0; b < nblocks; b++) {
        const double scale = exp(part[b].max - max);
        sum += scale * part[b].sum;
        sum_2 += scale * scale * part[b].sum_2;
    }
    *stats = (jebm_weight_stats){max, max + log(sum / (double)n), sum * sum / (sum_2 * (double)n)};
    return JEBM_OK;
}
