/* What is done to pixels between two products; compiled once per instruction set.
 *
 * Pixels hold `channels` neighbouring elements, floats or halves (bf16: a float's upper 16 bits).
 * Arrays may be read and written up to JEBM_LAYER_SLACK bytes behind their end, where this is said.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_LAYER_INTERNAL_H
#define JEBM_LAYER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JEBM_LAYER_SLACK 64

typedef enum jebm_activation_kind {
    JEBM_ACT_NONE,
    JEBM_ACT_SILU,
    JEBM_ACT_LEAKY
} jebm_activation_kind;

/* leaky: x above 0 and slope x below */
typedef struct jebm_activation {
    jebm_activation_kind kind;
    float slope;
} jebm_activation;

/* outputs' lanes of the bordered delta: whole vectors of any instruction set */
#define JEBM_LANES 16

/* The windows that a coordinate of the input is in: their number, and how much the coordinate adds
 * to the place of the first one's column. */
typedef struct jebm_cover {
    size_t start, n;
} jebm_cover;

/* how a window moves over an image; in and out are of one channel */
typedef struct jebm_window {
    size_t in[2], out[2], size[2]; /* height, width */
    size_t stride, padding, channels, outputs;
    size_t reach, lanes; /* of a bordered delta */
    jebm_cover *cover[2]; /* [in] */
    ptrdiff_t down, across; /* from a column to that of the same pixel in the next window */
} jebm_window;

typedef struct jebm_layer_kernels {
    /* Patches of one output line: to[i] = the `rows` pieces of `bytes` bytes at from + i step +
     * r pitch, one behind the other, i = 0 .. n-1; rows of `to` are ld bytes apart. Slack in both.
     */
    void (*patches)(size_t n, size_t rows, size_t bytes, size_t step, size_t pitch,
                    const char *from, size_t ld, char *to);
    /* The reverse, of one line of the input: to each of its elements the sum of the columns that it
     * went into, times act' (see chain; derivative, a and out at the line). columns: the image's.
     */
    void (*gather)(const jebm_window *w, size_t line, const float *columns, jebm_activation act,
                   const float *derivative, const void *a, bool half, void *out);
    /* An image's delta as floats, with w->reach pixels of zeros around it and zeros behind the
     * channels up to w->lanes: to [out.height + 2 reach][out.width + 2 reach][lanes]. */
    void (*border)(const jebm_window *w, bool half, const void *delta, float *to);
    /* Product and gather in one, for an input of few channels: grad [channels][height][width] of
     * one line, from a bordered delta and weight [channels][window][lanes]. Slack of JEBM_LANES
     * pixels behind the delta. */
    void (*gather_few)(const jebm_window *w, size_t line, const float *bordered,
                       const float *weight, float *grad);
    /* out = act(z + bias), elements halves or floats; derivative (NULL: not wanted) = act'(z +
     * bias), may be z itself. */
    void (*activate)(jebm_activation act, size_t pixels, size_t channels, const float *z,
                     const float *bias, bool half, void *out, float *derivative);
    /* out = g act', n elements; act' from `derivative`, or if it is NULL from the sign of a, or 1
     * without an activation. */
    void (*chain)(jebm_activation act, size_t n, const float *g, const float *derivative,
                  const void *a, bool half, void *out);
    /* sums[channels] += over pixels */
    void (*sums)(size_t pixels, size_t channels, bool half, const void *x, double *sums);
    /* Largest or mean element of a window of pixels, of one output line of n pixels; step and
     * pitch as in patches, in elements. */
    void (*maxpool)(size_t n, size_t channels, size_t window, size_t step, size_t pitch, bool half,
                    const void *from, float *to);
    void (*avgpool)(size_t n, size_t channels, size_t window, size_t step, size_t pitch, bool half,
                    const void *from, float *to);
    /* g += delta where the window had its (first) largest element, or delta / window^2 all over */
    void (*maxpool_back)(size_t n, size_t channels, size_t window, size_t step, size_t pitch,
                         bool half, const void *from, const void *delta, float *g);
    void (*avgpool_back)(size_t n, size_t channels, size_t window, size_t step, size_t pitch,
                         bool half, const void *delta, float *g);
    /* [channels][pixels] floats to pixels of channels, and back */
    void (*interleave)(size_t pixels, size_t channels, size_t plane, const float *from, bool half,
                       void *to);
    void (*separate)(size_t pixels, size_t channels, size_t plane, const float *from, float *to);
} jebm_layer_kernels;

extern const jebm_layer_kernels jebm_layer_kernels_baseline;
extern const jebm_layer_kernels jebm_layer_kernels_avx2;
extern const jebm_layer_kernels jebm_layer_kernels_avx512;

/* those of the instruction set in use */
const jebm_layer_kernels *jebm_layers(void);

#endif
