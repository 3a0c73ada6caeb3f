/* A network as a chain of stages, each a product (conv, linear) or a pool and the activation behind
 * it.
 *
 * Inside, an image is [height][width][channels], so that a row of a product is a pixel. The input
 * of stage i, array a[i], has the zero border that the stage's convolution wants; the border is
 * written once. The products of a stage go in chunks of output lines (the pixels of one image and
 * height), few enough that the chunk's columns stay in cache:
 *
 *   forward    columns = patches of a[i], z = columns W, a[i+1] = act(z + bias)
 *   backward   delta[i] = d loss / d z [rows][channels]; columns = delta[i] W', gathered by the
 *              pixels they came from and times act' = delta[i-1]
 *   theta      d loss / d W += delta[i]' columns
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_NETWORK_INTERNAL_H
#define JEBM_NETWORK_INTERNAL_H

#include "nn/gemm_internal.h"
#include "nn/layer_internal.h"
#include "nn/network.h"

typedef enum jebm_stage_kind {
    JEBM_STAGE_PRODUCT,
    JEBM_STAGE_MAXPOOL,
    JEBM_STAGE_AVGPOOL
} jebm_stage_kind;

typedef struct jebm_stage {
    jebm_stage_kind kind;
    bool linear; /* of a product: written as linear, not as conv */
    jebm_activation act;
    jebm_shape in, out;
    size_t window[2]; /* height, width */
    size_t stride, padding;
    size_t fan_in; /* window[0] window[1] channels: elements of a patch */
    size_t weight, bias; /* of a product: where they are in theta */

    /* for the passes, by network.c */
    bool direct; /* a patch is the whole image: its columns are a[i] itself */
    bool few; /* few channels: no product on the way back (but in the reference back end) */
    size_t lines; /* output lines of a chunk */
    size_t images; /* of a chunk on the way back */
    jebm_window window_of; /* the same for the kernels */
    jebm_product *forward, *backward, *theta;
} jebm_stage;

typedef struct jebm_spec {
    size_t nstages;
    jebm_stage *stage;
    size_t nparams;
    bool logsoftmax;
} jebm_spec;

/* Stages of a spec, kind to bias of each filled in. stage is the caller's to free. */
jebm_status jebm_spec_parse(const char *text, jebm_shape input, jebm_spec *out, jebm_error *err);

struct jebm_network {
    jebm_spec spec;
    jebm_gemm_backend backend;
    bool half; /* elements of a, delta and columns are bf16 */
    size_t tile;
};

struct jebm_weights {
    size_t nstages;
    jebm_operand **forward, **backward; /* [nstages], NULL for pools */
    float **bias; /* [nstages][channels], zeros for pools */
    float *few; /* the first stage's, if that is few: [channels][window][lanes] */
    float *staging; /* one stage's weight in the order of the columns */
};

/* Pixels of a[i]: those of the stage's input and its border. */
static inline size_t jebm_stage_bordered(const jebm_stage *s) {
    return (s->in.height + 2 * s->padding) * (s->in.width + 2 * s->padding);
}

static inline size_t jebm_shape_size(jebm_shape s) {
    return s.channels * s.height * s.width;
}

static inline size_t jebm_network_element(const jebm_network *net) {
    return net->half ? sizeof(uint16_t) : sizeof(float);
}

/* Is act' kept from the forward pass? Elsewhere it follows from a[i + 1], which the last stage does
 * not have. */
static inline bool jebm_stage_keeps(const jebm_network *net, size_t i) {
    const jebm_activation_kind kind = net->spec.stage[i].act.kind;
    return kind == JEBM_ACT_SILU || (kind == JEBM_ACT_LEAKY && i + 1 == net->spec.nstages);
}

#endif
