/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* what a layer gives: [c][h][w] */
typedef struct volume {
    size_t c, h, w;
    double *v;
} volume;

static volume volume_new(size_t c, size_t h, size_t w) {
    return (volume){c, h, w, calloc(c * h * w, sizeof(double))};
}

static double pixel(const volume *in, size_t c, long y, long x) {
    const int inside = y >= 0 && x >= 0 && y < (long)in->h && x < (long)in->w;
    return inside ? in->v[(c * in->h + (size_t)y) * in->w + (size_t)x] : 0.0;
}

static volume convolve(const volume *in, size_t out, size_t k, size_t s, size_t p,
                       const double **theta) {
    volume r = volume_new(out, (in->h + 2 * p - k) / s + 1, (in->w + 2 * p - k) / s + 1);
    const double *weight = *theta, *bias = *theta + out * in->c * k * k;
    for (size_t i = 0; i < out * r.h * r.w; i++) {
        const size_t o = i / (r.h * r.w), y = i / r.w % r.h, x = i % r.w;
        double sum = bias[o];
        for (size_t j = 0; j < in->c * k * k; j++) {
            const long dy = (long)(y * s + j / k % k) - (long)p,
                       dx = (long)(x * s + j % k) - (long)p;
            sum += weight[o * in->c * k * k + j] * pixel(in, j / (k * k), dy, dx);
        }
        r.v[i] = sum;
    }
    *theta = bias + out;
    return r;
}

static volume multiply(const volume *in, size_t out, const double **theta) {
    const size_t n = in->c * in->h * in->w;
    volume r = volume_new(out, 1, 1);
    for (size_t o = 0; o < out; o++) {
        r.v[o] = (*theta)[out * n + o];
        for (size_t j = 0; j < n; j++) {
            r.v[o] += (*theta)[o * n + j] * in->v[j];
        }
    }
    *theta += out * n + out;
    return r;
}

static volume pool(const volume *in, size_t k, size_t s, int largest) {
    volume r = volume_new(in->c, (in->h - k) / s + 1, (in->w - k) / s + 1);
    for (size_t i = 0; i < r.c * r.h * r.w; i++) {
        const size_t c = i / (r.h * r.w), y = i / r.w % r.h, x = i % r.w;
        double top = -INFINITY, sum = 0.0;
        for (size_t j = 0; j < k * k; j++) {
            const double v = pixel(in, c, (long)(y * s + j / k), (long)(x * s + j % k));
            top = fmax(top, v);
            sum += v;
        }
        r.v[i] = largest ? top : sum / (double)(k * k);
    }
    return r;
}

static volume map(const volume *in, const char *name, double slope) {
    volume r = volume_new(in->c, in->h, in->w);
    for (size_t i = 0; i < in->c * in->h * in->w; i++) {
        const double x = in->v[i];
        r.v[i] = strcmp(name, "silu") == 0 ? x / (1.0 + exp(-x)) : x > 0.0 ? x : slope * x;
    }
    return r;
}

static volume log_softmax(const volume *in) {
    const size_t n = in->c * in->h * in->w;
    volume r = volume_new(in->c, in->h, in->w);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += exp(in->v[i]);
    }
    for (size_t i = 0; i < n; i++) {
        r.v[i] = in->v[i] - log(sum);
    }
    return r;
}

static volume apply(const char *layer, const volume *in, const double **theta) {
    char name[32] = "";
    size_t a = 0, k = 0, s = 1, p = 0;
    double slope = 0.0;
    sscanf(layer, " %31s", name);
    if (strcmp(name, "conv") == 0) {
        sscanf(layer, " conv %zu k%zu", &a, &k);
        const char *at = strchr(layer, 's');
        if (at != NULL) {
            sscanf(at, "s%zu", &s);
        }
        at = strchr(layer, 'p');
        if (at != NULL) {
            sscanf(at, "p%zu", &p);
        }
        return convolve(in, a, k, s, p, theta);
    }
    if (strcmp(name, "linear") == 0) {
        sscanf(layer, " linear %zu", &a);
        return multiply(in, a, theta);
    }
    if (strcmp(name, "maxpool") == 0 || strcmp(name, "avgpool") == 0) {
        const int found = sscanf(layer, " %*s %zu s%zu", &k, &s);
        return pool(in, k, found == 2 ? s : k, name[0] == 'm');
    }
    if (strcmp(name, "logsoftmax") == 0) {
        return log_softmax(in);
    }
    if (strcmp(name, "leaky") == 0) {
        sscanf(layer, " leaky %lf", &slope);
    } else if (strcmp(name, "flatten") == 0) {
        slope = 1.0;
    } else if (strcmp(name, "silu") != 0 && strcmp(name, "relu") != 0) {
        return (volume){0};
    }
    return map(in, name, slope);
}

size_t oracle_outputs(const char *spec, const size_t shape[3], const double *theta, const double *x,
                      double *y) {
    volume now = volume_new(shape[0], shape[1], shape[2]);
    memcpy(now.v, x, shape[0] * shape[1] * shape[2] * sizeof *x);
    for (const char *at = spec; now.v != NULL && *at != '\0'; at += *at == '|') {
        char layer[64] = "";
        const size_t length = strcspn(at, "|");
        memcpy(layer, at, length < 63 ? length : 63);
        volume next = apply(layer, &now, &theta);
        free(now.v);
        now = next;
        at += length;
    }
    const size_t n = now.c * now.h * now.w;
    if (now.v != NULL) {
        memcpy(y, now.v, n * sizeof *y);
    }
    free(now.v);
    return n;
}
