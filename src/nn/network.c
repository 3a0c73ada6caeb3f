/* A network's making, its parameters, and the forms that the kernels want of both.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/network_internal.h"

#include <math.h>
#include <stdlib.h>

/* images of a tile */
#define TILE 16

/* Bytes that the columns of a chunk may have: part of the second-level cache, or as many as the
 * weight has, for a large weight must be read anew for each chunk. Measured for the networks of
 * benchmarks/bench_network. */
#define CHUNK_BYTES ((size_t)256 * 1024)

/* input channels up to which the first stage goes back without a product */
#define FEW 4

/* ---- products ------------------------------------------------------------------------------- */

/* largest divisor of n up to most, at least 1 */
static size_t divisor(size_t n, size_t most) {
    size_t d = most < n ? most : n;
    while (d > 1 && n % d != 0) {
        d--;
    }
    return d > 0 ? d : 1;
}

static size_t chunk_bytes(const jebm_network *net, const jebm_stage *s) {
    const size_t weight = s->fan_in * s->out.channels * jebm_network_element(net);
    return weight > CHUNK_BYTES ? weight : CHUNK_BYTES;
}

/* whole images, or whole parts of one */
static size_t chunk_lines(const jebm_network *net, const jebm_stage *s) {
    const size_t line = s->out.width * s->fan_in * jebm_network_element(net);
    const size_t lines = chunk_bytes(net, s) / line;
    return lines >= s->out.height ? divisor(net->tile, lines / s->out.height) * s->out.height
                                  : divisor(s->out.height, lines);
}

/* whole images, at least one */
static size_t chunk_images(const jebm_network *net, const jebm_stage *s) {
    const size_t image = s->out.height * s->out.width * s->fan_in * sizeof(float);
    return s->direct ? net->tile : divisor(net->tile, chunk_bytes(net, s) / image);
}

/* how far windows reach over the output's edges, seen from the input */
static size_t reach(const jebm_stage *s, int axis) {
    const size_t in = axis == 0 ? s->in.height : s->in.width;
    const size_t out = axis == 0 ? s->out.height : s->out.width;
    const size_t before = (s->window[axis] - 1 - s->padding + s->stride - 1) / s->stride;
    const size_t behind = (in - 1 + s->padding) / s->stride - (out - 1);
    return before > behind ? before : behind;
}

/* the windows that coordinate `at` is in: elements k, k + stride, ... of outputs o, o - 1, ... */
static jebm_cover cover_of(const jebm_window *w, int axis, size_t at) {
    size_t k = (at + w->padding) % w->stride, o = (at + w->padding) / w->stride, n = 0;
    while (o >= w->out[axis]) {
        k += w->stride;
        o--;
    }
    for (size_t next = k; next < w->size[axis] && n <= o; next += w->stride) {
        n++;
    }
    const size_t fan_in = w->size[0] * w->size[1] * w->channels;
    return (jebm_cover){.start = axis == 0 ? o * w->out[1] * fan_in + k * w->size[1] * w->channels
                                           : o * fan_in + k * w->channels,
                        .n = n};
}

static jebm_status make_covers(jebm_window *w, jebm_error *err) {
    for (int axis = 0; axis < 2; axis++) {
        w->cover[axis] = calloc(w->in[axis], sizeof **w->cover);
        if (w->cover[axis] == NULL) {
            return jebm_fail(err, JEBM_ENOMEM, "network: not enough memory");
        }
        for (size_t at = 0; at < w->in[axis]; at++) {
            w->cover[axis][at] = cover_of(w, axis, at);
        }
    }
    const size_t fan_in = w->size[0] * w->size[1] * w->channels;
    w->across = (ptrdiff_t)(w->stride * w->channels) - (ptrdiff_t)fan_in;
    w->down = (ptrdiff_t)(w->stride * w->size[1] * w->channels) - (ptrdiff_t)(w->out[1] * fan_in);
    return JEBM_OK;
}

static jebm_window window_of(const jebm_stage *s) {
    const size_t both[] = {reach(s, 0), reach(s, 1)};
    return (jebm_window){.in = {s->in.height, s->in.width},
                         .out = {s->out.height, s->out.width},
                         .size = {s->window[0], s->window[1]},
                         .stride = s->stride,
                         .padding = s->padding,
                         .channels = s->in.channels,
                         .outputs = s->out.channels,
                         .reach = both[0] > both[1] ? both[0] : both[1],
                         .lanes = (s->out.channels + JEBM_LANES - 1) / JEBM_LANES * JEBM_LANES};
}

static jebm_status prepare_product(jebm_network *net, jebm_stage *s, jebm_error *err) {
    s->direct = s->padding == 0 && s->window[0] == s->in.height && s->window[1] == s->in.width;
    s->lines = s->direct ? net->tile : chunk_lines(net, s);
    s->images = chunk_images(net, s);
    const size_t rows = s->lines * s->out.width, channels = s->out.channels;
    const size_t image = s->out.height * s->out.width, rows_back = s->images * image;
    const jebm_product_shape forward = {.m = rows,
                                        .n = channels,
                                        .k = s->fan_in,
                                        .lda = s->fan_in,
                                        .ldb = channels,
                                        .ldc = channels,
                                        .group = rows < image ? rows : image,
                                        .prepared = true};
    const jebm_product_shape backward = {.m = rows_back,
                                         .n = s->fan_in,
                                         .k = channels,
                                         .lda = channels,
                                         .ldb = s->fan_in,
                                         .ldc = s->fan_in,
                                         .group = image,
                                         .prepared = true};
    const jebm_product_shape theta = {.m = channels,
                                      .n = s->fan_in,
                                      .k = rows,
                                      .lda = channels,
                                      .ldb = s->fan_in,
                                      .ldc = s->fan_in,
                                      .group = channels,
                                      .transposed = true,
                                      .accumulate = true};
    JEBM_TRY(jebm_product_new(net->backend, &forward, &s->forward, err));
    if (!s->few) {
        JEBM_TRY(jebm_product_new(net->backend, &backward, &s->backward, err));
    }
    return jebm_product_new(net->backend, &theta, &s->theta, err);
}

static jebm_status prepare(jebm_network *net, jebm_error *err) {
    for (size_t i = 0; i < net->spec.nstages; i++) {
        jebm_stage *s = &net->spec.stage[i];
        s->lines = s->out.height;
        s->window_of = window_of(s);
        JEBM_TRY(make_covers(&s->window_of, err));
        s->few = i == 0 && s->kind == JEBM_STAGE_PRODUCT && s->in.channels <= FEW &&
                 s->window[0] * s->window[1] > 1 && net->backend != JEBM_GEMM_REFERENCE;
        if (s->kind == JEBM_STAGE_PRODUCT) {
            JEBM_TRY(prepare_product(net, s, err));
        }
    }
    return JEBM_OK;
}

/* ---- network -------------------------------------------------------------------------------- */

jebm_status jebm_network_new(const char *spec, jebm_shape input, jebm_gemm_backend backend,
                             size_t tile, jebm_network **out, jebm_error *err) {
    *out = NULL;
    if (!jebm_gemm_available(backend)) {
        return jebm_fail(err, JEBM_EUNSUPPORTED,
                         "network: back end %s is not in this build or not for this CPU; %s is",
                         jebm_gemm_name(backend) != NULL ? jebm_gemm_name(backend) : "?",
                         jebm_gemm_name(jebm_gemm_default()));
    }
    jebm_network *net = calloc(1, sizeof *net);
    if (net == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "network: not enough memory");
    }
    net->backend = backend;
    net->half = jebm_gemm_is_half(backend);
    net->tile = tile > 0 ? tile : TILE;
    jebm_status status = jebm_spec_parse(spec, input, &net->spec, err);
    if (status == JEBM_OK) {
        status = prepare(net, err);
    }
    if (status != JEBM_OK) {
        jebm_network_free(net);
        return status;
    }
    *out = net;
    return JEBM_OK;
}

void jebm_network_free(jebm_network *net) {
    if (net == NULL) {
        return;
    }
    for (size_t i = 0; i < net->spec.nstages; i++) {
        jebm_product_free(net->spec.stage[i].forward);
        jebm_product_free(net->spec.stage[i].backward);
        jebm_product_free(net->spec.stage[i].theta);
        free(net->spec.stage[i].window_of.cover[0]);
        free(net->spec.stage[i].window_of.cover[1]);
    }
    free(net->spec.stage);
    free(net);
}

size_t jebm_network_nparams(const jebm_network *net) {
    return net->spec.nparams;
}

size_t jebm_network_inputs(const jebm_network *net) {
    return jebm_shape_size(net->spec.stage[0].in);
}

size_t jebm_network_outputs(const jebm_network *net) {
    return jebm_shape_size(net->spec.stage[net->spec.nstages - 1].out);
}

size_t jebm_network_tile(const jebm_network *net) {
    return net->tile;
}

jebm_gemm_backend jebm_network_backend(const jebm_network *net) {
    return net->backend;
}

double jebm_network_macs(const jebm_network *net) {
    double macs = 0.0;
    for (size_t i = 0; i < net->spec.nstages; i++) {
        const jebm_stage *s = &net->spec.stage[i];
        if (s->kind == JEBM_STAGE_PRODUCT) {
            macs += (double)jebm_shape_size(s->out) * (double)s->fan_in;
        }
    }
    return macs;
}

void jebm_network_init(const jebm_network *net, jebm_rng rng, double *theta) {
    for (size_t i = 0; i < net->spec.nstages; i++) {
        const jebm_stage *s = &net->spec.stage[i];
        const double bound = 1.0 / sqrt((double)s->fan_in);
        const size_t end = s->kind == JEBM_STAGE_PRODUCT ? s->bias + s->out.channels : s->weight;
        for (size_t j = s->weight; j < end; j++) {
            const double u = jebm_rng_uniform(rng, (uint32_t)j, JEBM_LANE_THETA, 0);
            theta[j] = bound * (2.0 * u - 1.0);
        }
    }
}

void jebm_network_last(const jebm_network *net, size_t *first, size_t *count) {
    for (size_t i = 0; i < net->spec.nstages; i++) {
        if (net->spec.stage[i].kind == JEBM_STAGE_PRODUCT) {
            *first = net->spec.stage[i].weight;
        }
    }
    *count = net->spec.nparams - *first;
}

size_t jebm_network_layers(const jebm_network *net) {
    size_t n = 0;
    for (size_t i = 0; i < net->spec.nstages; i++) {
        n += net->spec.stage[i].kind == JEBM_STAGE_PRODUCT;
    }
    return n;
}

const char *jebm_network_layer(const jebm_network *net, size_t i, double *theta,
                               jebm_array arrays[2]) {
    const jebm_stage *s = net->spec.stage;
    for (size_t before = i; before > 0 || s->kind != JEBM_STAGE_PRODUCT; s++) {
        before -= s->kind == JEBM_STAGE_PRODUCT;
    }
    arrays[0] = (jebm_array){
        "weight",
        JEBM_F64,
        s->linear ? 2 : 4,
        {s->out.channels, s->linear ? s->fan_in : s->in.channels, s->window[0], s->window[1]},
        theta + s->weight};
    arrays[1] = (jebm_array){"bias", JEBM_F64, 1, {s->out.channels}, theta + s->bias};
    return s->linear ? "linear" : "conv";
}

/* ---- weights -------------------------------------------------------------------------------- */

static bool make_operands(const jebm_network *net, jebm_weights *w) {
    size_t most = 1;
    for (size_t i = 0; i < net->spec.nstages; i++) {
        const jebm_stage *s = &net->spec.stage[i];
        w->bias[i] = calloc(s->out.channels, sizeof **w->bias);
        if (w->bias[i] == NULL) {
            return false;
        }
        if (s->kind != JEBM_STAGE_PRODUCT) {
            continue;
        }
        w->forward[i] = jebm_operand_new(s->forward);
        if (s->few) {
            w->few = calloc(s->fan_in * s->window_of.lanes, sizeof *w->few);
        } else {
            w->backward[i] = jebm_operand_new(s->backward);
        }
        if (w->forward[i] == NULL || (s->few ? w->few == NULL : w->backward[i] == NULL)) {
            return false;
        }
        const size_t size = s->fan_in * s->out.channels;
        most = size > most ? size : most;
    }
    w->staging = malloc(most * sizeof *w->staging);
    return w->staging != NULL;
}

jebm_status jebm_weights_new(const jebm_network *net, jebm_weights **out, jebm_error *err) {
    *out = NULL;
    jebm_weights *w = calloc(1, sizeof *w);
    bool made = w != NULL;
    if (made) {
        w->nstages = net->spec.nstages;
        w->forward = calloc(w->nstages, sizeof *w->forward);
        w->backward = calloc(w->nstages, sizeof *w->backward);
        w->bias = calloc(w->nstages, sizeof *w->bias);
        made =
            w->forward != NULL && w->backward != NULL && w->bias != NULL && make_operands(net, w);
    }
    if (!made) {
        jebm_weights_free(w);
        return jebm_fail(err, JEBM_ENOMEM, "network: not enough memory for its weights");
    }
    *out = w;
    return JEBM_OK;
}

void jebm_weights_free(jebm_weights *w) {
    if (w == NULL) {
        return;
    }
    for (size_t i = 0; i < w->nstages; i++) {
        if (w->forward != NULL) {
            jebm_operand_free(w->forward[i]);
        }
        if (w->backward != NULL) {
            jebm_operand_free(w->backward[i]);
        }
        if (w->bias != NULL) {
            free(w->bias[i]);
        }
    }
    free(w->forward);
    free(w->backward);
    free(w->bias);
    free(w->few);
    free(w->staging);
    free(w);
}

/* theta's [out][in][pixel] to [out][pixel][in] */
static void stage_backward(const jebm_stage *s, const double *weight, float *to) {
    const size_t in = s->in.channels, pixels = s->window[0] * s->window[1];
    for (size_t o = 0; o < s->out.channels; o++) {
        for (size_t p = 0; p < pixels; p++) {
            for (size_t c = 0; c < in; c++) {
                to[o * s->fan_in + p * in + c] = (float)weight[o * s->fan_in + c * pixels + p];
            }
        }
    }
}

/* to [pixel][in][out]; in blocks of out, so that whole cache lines are written */
static void stage_forward(const jebm_stage *s, const double *weight, float *to) {
    const size_t in = s->in.channels, out = s->out.channels;
    const size_t pixels = s->window[0] * s->window[1];
    for (size_t first = 0; first < out; first += 16) {
        const size_t end = first + 16 < out ? first + 16 : out;
        for (size_t j = 0; j < s->fan_in; j++) {
            float *row = to + (j % pixels * in + j / pixels) * out;
            for (size_t o = first; o < end; o++) {
                row[o] = (float)weight[o * s->fan_in + j];
            }
        }
    }
}

/* to [in][pixel][lanes] */
static void few_weight(const jebm_stage *s, const double *weight, float *to) {
    for (size_t o = 0; o < s->out.channels; o++) {
        for (size_t j = 0; j < s->fan_in; j++) {
            to[j * s->window_of.lanes + o] = (float)weight[o * s->fan_in + j];
        }
    }
}

void jebm_weights_set(const jebm_network *net, jebm_weights *w, const double *theta) {
    for (size_t i = 0; i < w->nstages; i++) {
        const jebm_stage *s = &net->spec.stage[i];
        if (s->kind != JEBM_STAGE_PRODUCT) {
            continue;
        }
        stage_forward(s, theta + s->weight, w->staging);
        jebm_operand_set(s->forward, w->forward[i], w->staging);
        if (s->few) {
            few_weight(s, theta + s->weight, w->few);
        } else {
            stage_backward(s, theta + s->weight, w->staging);
            jebm_operand_set(s->backward, w->backward[i], w->staging);
        }
        for (size_t c = 0; c < s->out.channels; c++) {
            w->bias[i][c] = (float)theta[s->bias + c];
        }
    }
}
