/* Passes of tiles of images through a network, forward and back.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/network_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct jebm_workspace {
    char *memory; /* what all arrays below stand in */
    size_t nstages;
    void **a; /* [nstages] inputs [tile][bordered pixels][channels] */
    float **kept; /* [nstages] act' [tile][pixels][channels], or NULL */
    void *delta[2]; /* of a stage and of the one before it */
    void *columns; /* of a chunk; floats on the way back */
    float *z; /* of a chunk */
    float *g; /* gradient of one image of a[i]; or delta[0] of one, bordered */
    float *y; /* [tile][pixels][channels] of the last stage */
    float *out, *dy; /* [outputs] of one image */
    float *weight; /* gradient of one stage's weight */
    void *scratch;
    jebm_product_call **forward, **backward, **theta; /* [nstages] */
    const jebm_layer_kernels *k;
};

/* ---- memory --------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* what a workspace's arrays need, in bytes each */
typedef struct sizes {
    size_t delta, columns, z, g, y, outputs, weight, scratch;
} sizes;

/* of an image's delta, and what may be read behind it */
static size_t bordered_bytes(const jebm_stage *s) {
    const jebm_window *w = &s->window_of;
    return ((w->out[0] + 2 * w->reach) * (w->out[1] + 2 * w->reach) + JEBM_LANES) * w->lanes *
           sizeof(float);
}

static sizes sizes_of(const jebm_network *net) {
    const size_t element = jebm_network_element(net), f = sizeof(float);
    sizes b = {0};
    for (size_t i = 0; i < net->spec.nstages; i++) {
        const jebm_stage *s = &net->spec.stage[i];
        const size_t rows = s->lines * s->out.width;
        b.delta = larger(b.delta, net->tile * jebm_shape_size(s->out) * element);
        b.g = larger(b.g, jebm_stage_bordered(s) * s->in.channels * f);
        /* an image of the last stage must fit, too */
        b.z = larger(b.z, larger(rows * s->out.channels, jebm_shape_size(s->out)) * f);
        b.z = larger(b.z, s->in.width * s->in.channels * f);
        b.y = net->tile * jebm_shape_size(s->out) * f;
        b.outputs = jebm_shape_size(s->out) * f;
        if (s->kind == JEBM_STAGE_PRODUCT) {
            const size_t pixels = s->images * s->out.height * s->out.width;
            b.columns = larger(b.columns, rows * s->fan_in * element);
            b.columns = larger(b.columns, pixels * s->fan_in * f);
            b.weight = larger(b.weight, s->fan_in * s->out.channels * f);
            b.scratch = larger(b.scratch, jebm_product_scratch(s->forward));
            b.scratch = larger(b.scratch, s->few ? 0 : jebm_product_scratch(s->backward));
            b.g = larger(b.g, s->few ? bordered_bytes(s) : 0);
            b.scratch = larger(b.scratch, jebm_product_scratch(s->theta));
        }
    }
    return b;
}

/* the next piece of memory, if there is any yet; moves *at on */
static void *take(char *memory, size_t *at, size_t bytes) {
    char *piece = memory != NULL ? memory + *at : NULL;
    *at += (bytes + JEBM_LAYER_SLACK + 63) / 64 * 64;
    return piece;
}

/* places all arrays in memory, or only counts; returns the bytes */
static size_t place(const jebm_network *net, jebm_workspace *ws, char *memory) {
    const sizes b = sizes_of(net);
    size_t at = 0;
    for (size_t i = 0; i < net->spec.nstages; i++) {
        const jebm_stage *s = &net->spec.stage[i];
        const size_t bytes = net->tile * jebm_stage_bordered(s) * s->in.channels;
        void *a = take(memory, &at, bytes * jebm_network_element(net));
        float *kept = jebm_stage_keeps(net, i)
                          ? take(memory, &at, net->tile * jebm_shape_size(s->out) * sizeof(float))
                          : NULL;
        if (memory != NULL) {
            ws->a[i] = a;
            ws->kept[i] = kept;
        }
    }
    jebm_workspace unused;
    ws = memory != NULL ? ws : &unused;
    ws->delta[0] = take(memory, &at, b.delta);
    ws->delta[1] = take(memory, &at, b.delta);
    ws->columns = take(memory, &at, b.columns);
    ws->z = take(memory, &at, b.z);
    ws->g = take(memory, &at, b.g);
    ws->y = take(memory, &at, b.y);
    ws->out = take(memory, &at, b.outputs);
    ws->dy = take(memory, &at, b.outputs);
    ws->weight = take(memory, &at, b.weight);
    ws->scratch = take(memory, &at, b.scratch);
    return at;
}

uint64_t jebm_workspace_bytes(const jebm_network *net) {
    return place(net, NULL, NULL);
}

static bool make_calls(const jebm_network *net, jebm_workspace *ws) {
    for (size_t i = 0; i < ws->nstages; i++) {
        const jebm_stage *s = &net->spec.stage[i];
        if (s->kind != JEBM_STAGE_PRODUCT) {
            continue;
        }
        ws->forward[i] = jebm_product_call_new(s->forward, ws->scratch);
        if (!s->few) {
            ws->backward[i] = jebm_product_call_new(s->backward, ws->scratch);
        }
        ws->theta[i] = jebm_product_call_new(s->theta, ws->scratch);
        if (ws->forward[i] == NULL || (!s->few && ws->backward[i] == NULL) ||
            ws->theta[i] == NULL) {
            return false;
        }
    }
    return true;
}

static bool make(const jebm_network *net, jebm_workspace *ws) {
    const size_t n = net->spec.nstages, bytes = jebm_workspace_bytes(net);
    ws->nstages = n;
    ws->k = jebm_layers();
    ws->a = calloc(n, sizeof *ws->a);
    ws->kept = calloc(n, sizeof *ws->kept);
    ws->forward = calloc(n, sizeof *ws->forward);
    ws->backward = calloc(n, sizeof *ws->backward);
    ws->theta = calloc(n, sizeof *ws->theta);
    ws->memory = aligned_alloc(64, bytes);
    if (ws->a == NULL || ws->kept == NULL || ws->forward == NULL || ws->backward == NULL ||
        ws->theta == NULL || ws->memory == NULL) {
        return false;
    }
    /* borders are zero, and stay so */
    memset(ws->memory, 0, bytes);
    place(net, ws, ws->memory);
    return make_calls(net, ws);
}

jebm_status jebm_workspace_new(const jebm_network *net, jebm_workspace **out, jebm_error *err) {
    *out = NULL;
    jebm_workspace *ws = calloc(1, sizeof *ws);
    if (ws == NULL || !make(net, ws)) {
        jebm_workspace_free(ws);
        return jebm_fail(err, JEBM_ENOMEM, "network: not enough memory for a workspace of %.3g MB",
                         1e-6 * (double)jebm_workspace_bytes(net));
    }
    *out = ws;
    return JEBM_OK;
}

void jebm_workspace_free(jebm_workspace *ws) {
    if (ws == NULL) {
        return;
    }
    for (size_t i = 0; i < ws->nstages; i++) {
        if (ws->forward != NULL) {
            jebm_product_call_free(ws->forward[i]);
        }
        if (ws->backward != NULL) {
            jebm_product_call_free(ws->backward[i]);
        }
        if (ws->theta != NULL) {
            jebm_product_call_free(ws->theta[i]);
        }
    }
    free(ws->forward);
    free(ws->backward);
    free(ws->theta);
    free(ws->a);
    free(ws->kept);
    free(ws->memory);
    free(ws);
}

/* ---- geometry ------------------------------------------------------------------------------- */

/* one pass: the network, its weights, the thread's memory, and how many images of the tile count */
typedef struct pass {
    const jebm_network *net;
    const jebm_weights *w;
    jebm_workspace *ws;
    size_t images;
} pass;

static size_t width_of(const jebm_stage *s) {
    return s->in.width + 2 * s->padding;
}

/* elements of an image of a[i], and from line to line of it */
static size_t image_size(const jebm_stage *s) {
    return jebm_stage_bordered(s) * s->in.channels;
}

static size_t line_size(const jebm_stage *s) {
    return width_of(s) * s->in.channels;
}

/* where pixel (0, y) of an image stands in it, behind the border */
static size_t inner(const jebm_stage *s, size_t y) {
    return (y + s->padding) * line_size(s) + s->padding * s->in.channels;
}

static char *element(const pass *p, void *array, size_t i) {
    return (char *)array + i * jebm_network_element(p->net);
}

/* where the window of output line `line` of the tile starts in a[i] */
static size_t window_start(const jebm_stage *s, size_t line) {
    return line / s->out.height * image_size(s) + line % s->out.height * s->stride * line_size(s);
}

/* lines that the images that count have, in whole chunks */
static size_t lines_of(const pass *p, const jebm_stage *s) {
    return (p->images * s->out.height + s->lines - 1) / s->lines * s->lines;
}

/* ---- forward -------------------------------------------------------------------------------- */

/* images to a[0]; of the images that do not count all a are 0, so that no chunk meets a NaN */
static void load(const pass *p, const float *x) {
    const jebm_stage *s = p->net->spec.stage;
    const size_t plane = s->in.height * s->in.width;
    for (size_t b = 0; b < p->images; b++) {
        for (size_t y = 0; y < s->in.height; y++) {
            p->ws->k->interleave(s->in.width, s->in.channels, plane,
                                 x + b * jebm_shape_size(s->in) + y * s->in.width, p->net->half,
                                 element(p, p->ws->a[0], b * image_size(s) + inner(s, y)));
        }
    }
    for (size_t i = 0; p->images < p->net->tile && i < p->ws->nstages; i++) {
        const size_t size = image_size(s + i);
        memset(element(p, p->ws->a[i], p->images * size), 0,
               (p->net->tile - p->images) * size * jebm_network_element(p->net));
    }
}

/* the columns of chunk [line, line + s->lines) */
static const void *columns(const pass *p, size_t i, size_t line) {
    const jebm_stage *s = &p->net->spec.stage[i];
    if (s->direct) {
        return p->ws->a[i];
    }
    const size_t bytes = jebm_network_element(p->net), c = s->in.channels * bytes;
    for (size_t l = 0; l < s->lines; l++) {
        p->ws->k->patches(s->out.width, s->window[0], s->window[1] * c, s->stride * c,
                          width_of(s) * c, element(p, p->ws->a[i], window_start(s, line + l)),
                          s->fan_in * bytes,
                          (char *)p->ws->columns + l * s->out.width * s->fan_in * bytes);
    }
    return p->ws->columns;
}

static void pool_forward(const pass *p, size_t i, size_t line, float *z) {
    const jebm_stage *s = &p->net->spec.stage[i];
    (s->kind == JEBM_STAGE_MAXPOOL ? p->ws->k->maxpool : p->ws->k->avgpool)(
        s->out.width, s->out.channels, s->window[0], s->stride * s->in.channels, line_size(s),
        p->net->half, element(p, p->ws->a[i], window_start(s, line)), z);
}

/* z of a line to a[i + 1], or to y */
static void activate_line(const pass *p, size_t i, size_t line, const float *z, bool back) {
    const jebm_stage *s = &p->net->spec.stage[i];
    const bool last = i + 1 == p->net->spec.nstages;
    const size_t size = s->out.width * s->out.channels;
    float *kept = p->ws->kept[i];
    void *to = p->ws->y + line * size;
    if (!last) {
        to = element(p, p->ws->a[i + 1],
                     line / s->out.height * image_size(s + 1) + inner(s + 1, line % s->out.height));
    }
    p->ws->k->activate(s->act, s->out.width, s->out.channels, z, p->w->bias[i],
                       p->net->half && !last, to, back && kept != NULL ? kept + line * size : NULL);
}

/* back: a backward pass follows */
static void forward(const pass *p, bool back) {
    for (size_t i = 0; i < p->net->spec.nstages; i++) {
        const jebm_stage *s = &p->net->spec.stage[i];
        const size_t end = lines_of(p, s), size = s->out.width * s->out.channels;
        for (size_t line = 0; line < end; line += s->lines) {
            if (s->kind == JEBM_STAGE_PRODUCT) {
                jebm_product_run(s->forward, p->ws->forward[i], columns(p, i, line), NULL,
                                 p->w->forward[i], p->ws->z);
            }
            for (size_t l = 0; l < s->lines; l++) {
                if (s->kind != JEBM_STAGE_PRODUCT) {
                    pool_forward(p, i, line + l, p->ws->z + l * size);
                }
                activate_line(p, i, line + l, p->ws->z + l * size, back);
            }
        }
    }
}

/* y - log sum exp(y), in place */
static void log_softmax(size_t n, float *y) {
    double top = y[0], sum = 0.0;
    for (size_t j = 1; j < n; j++) {
        top = y[j] > top ? y[j] : top;
    }
    for (size_t j = 0; j < n; j++) {
        sum += exp(y[j] - top);
    }
    for (size_t j = 0; j < n; j++) {
        y[j] = (float)(y[j] - (top + log(sum)));
    }
}

/* outputs of an image in PyTorch's order */
static void outputs(const pass *p, size_t image, float *to) {
    const jebm_spec *spec = &p->net->spec;
    const jebm_shape out = spec->stage[spec->nstages - 1].out;
    const size_t pixels = out.height * out.width;
    p->ws->k->separate(pixels, out.channels, pixels, p->ws->y + image * jebm_shape_size(out), to);
    if (spec->logsoftmax) {
        log_softmax(jebm_shape_size(out), to);
    }
}

/* ---- backward ------------------------------------------------------------------------------- */

/* d loss / d y of an image, in PyTorch's order, to the last stage's delta; destroys dy */
static void start_back(const pass *p, size_t image, const float *y, float *dy, void *delta) {
    const jebm_spec *spec = &p->net->spec;
    const size_t last = spec->nstages - 1;
    const jebm_stage *s = &spec->stage[last];
    const size_t pixels = s->out.height * s->out.width, size = jebm_shape_size(s->out);
    if (spec->logsoftmax) {
        double sum = 0.0;
        for (size_t j = 0; j < size; j++) {
            sum += dy[j];
        }
        for (size_t j = 0; j < size; j++) {
            dy[j] = (float)(dy[j] - sum * exp(y[j]));
        }
    }
    p->ws->k->interleave(pixels, s->out.channels, pixels, dy, false, p->ws->z);
    const float *kept = p->ws->kept[last];
    p->ws->k->chain(s->act, size, p->ws->z, kept != NULL ? kept + image * size : NULL, NULL,
                    p->net->half, element(p, delta, image * size));
}

/* where the gradient of a line of a[i] goes: to delta[i - 1] times act', or as it is to the caller
 */
typedef struct target {
    jebm_activation act;
    const float *derivative;
    const void *a;
    bool half;
    void *out;
} target;

static target target_of(const pass *p, size_t i, size_t image, size_t y, void *before) {
    const jebm_stage *s = &p->net->spec.stage[i];
    const size_t line = (image * s->in.height + y) * s->in.width * s->in.channels;
    if (i == 0) {
        return (target){.out = p->ws->z};
    }
    const float *kept = p->ws->kept[i - 1];
    return (target){.act = s[-1].act,
                    .derivative = kept != NULL ? kept + line : NULL,
                    .a = element(p, p->ws->a[i], image * image_size(s) + inner(s, y)),
                    .half = p->net->half,
                    .out = element(p, before, line)};
}

/* a line of the gradient in x, to the caller's order */
static void store_line(const pass *p, size_t image, size_t y, const float *line, float *grad) {
    const jebm_stage *s = p->net->spec.stage;
    p->ws->k->separate(s->in.width, s->in.channels, s->in.height * s->in.width, line,
                       grad + image * jebm_shape_size(s->in) + y * s->in.width);
}

static void product_back(const pass *p, size_t i, const void *delta, void *before, float *grad) {
    const jebm_stage *s = &p->net->spec.stage[i];
    const size_t size = jebm_shape_size(s->out), pixels = s->out.height * s->out.width;
    float *columns = p->ws->columns;
    for (size_t first = 0; first < p->images; first += s->images) {
        jebm_product_run(s->backward, p->ws->backward[i],
                         (const char *)delta + first * size * jebm_network_element(p->net), NULL,
                         p->w->backward[i], columns);
        for (size_t b = 0; b < s->images && first + b < p->images; b++) {
            for (size_t y = 0; y < s->in.height; y++) {
                const target t = target_of(p, i, first + b, y, before);
                p->ws->k->gather(&s->window_of, y, columns + b * pixels * s->fan_in, t.act,
                                 t.derivative, t.a, t.half, t.out);
                if (i == 0) {
                    store_line(p, first + b, y, p->ws->z, grad);
                }
            }
        }
    }
}

/* the first stage, of few channels */
static void few_back(const pass *p, const void *delta, float *grad) {
    const jebm_stage *s = p->net->spec.stage;
    const size_t size = jebm_shape_size(s->out) * jebm_network_element(p->net);
    for (size_t b = 0; b < p->images; b++) {
        p->ws->k->border(&s->window_of, p->net->half, (const char *)delta + b * size, p->ws->g);
        for (size_t y = 0; y < s->in.height; y++) {
            p->ws->k->gather_few(&s->window_of, y, p->ws->g, p->w->few,
                                 grad + b * jebm_shape_size(s->in));
        }
    }
}

static void pool_back(const pass *p, size_t i, const void *delta, void *before, float *grad) {
    const jebm_stage *s = &p->net->spec.stage[i];
    const size_t step = s->stride * s->in.channels, bytes = jebm_network_element(p->net);
    for (size_t line = 0; line < p->images * s->out.height; line++) {
        const size_t image = line / s->out.height, y = line % s->out.height;
        const void *mine = (const char *)delta + line * s->out.width * s->out.channels * bytes;
        float *to = p->ws->g + y * s->stride * line_size(s);
        if (y == 0) {
            memset(p->ws->g, 0, image_size(s) * sizeof *p->ws->g);
        }
        if (s->kind == JEBM_STAGE_MAXPOOL) {
            p->ws->k->maxpool_back(s->out.width, s->out.channels, s->window[0], step, line_size(s),
                                   p->net->half, element(p, p->ws->a[i], window_start(s, line)),
                                   mine, to);
        } else {
            p->ws->k->avgpool_back(s->out.width, s->out.channels, s->window[0], step, line_size(s),
                                   p->net->half, mine, to);
        }
        for (size_t l = 0; y + 1 == s->out.height && l < s->in.height; l++) {
            const target t = target_of(p, i, image, l, before);
            const float *from = p->ws->g + inner(s, l);
            if (i == 0) {
                store_line(p, image, l, from, grad);
            } else {
                p->ws->k->chain(t.act, s->in.width * s->in.channels, from, t.derivative, t.a,
                                t.half, t.out);
            }
        }
    }
}

/* delta of stage i to that of the stage before, or to grad */
static void stage_back(const pass *p, size_t i, const void *delta, void *before, float *grad) {
    const jebm_stage *s = &p->net->spec.stage[i];
    if (s->few) {
        few_back(p, delta, grad);
    } else if (s->kind == JEBM_STAGE_PRODUCT) {
        product_back(p, i, delta, before, grad);
    } else {
        pool_back(p, i, delta, before, grad);
    }
}

/* g += d loss / d (weight, bias) of stage i */
static void stage_theta(const pass *p, size_t i, const void *delta, double *g) {
    const jebm_stage *s = &p->net->spec.stage[i];
    const size_t end = lines_of(p, s), row = s->out.width * s->out.channels;
    const size_t in = s->in.channels, pixels = s->window[0] * s->window[1];
    float *weight = p->ws->weight;
    memset(weight, 0, s->fan_in * s->out.channels * sizeof *weight);
    for (size_t line = 0; line < end; line += s->lines) {
        jebm_product_run(s->theta, p->ws->theta[i],
                         (const char *)delta + line * row * jebm_network_element(p->net),
                         columns(p, i, line), NULL, weight);
    }
    for (size_t o = 0; o < s->out.channels; o++) {
        for (size_t c = 0; c < in; c++) {
            for (size_t k = 0; k < pixels; k++) {
                g[s->weight + o * s->fan_in + c * pixels + k] += weight[o * s->fan_in + k * in + c];
            }
        }
    }
    p->ws->k->sums(end * s->out.width, s->out.channels, p->net->half, delta, g + s->bias);
}

/* From the deltas of the last stage in delta[0]: to grad_x (grad), or to g, whichever is not NULL.
 * Deltas of images that do not count are 0. */
static void backward(const pass *p, float *grad, double *g) {
    for (size_t i = p->net->spec.nstages; i-- > 0;) {
        const jebm_stage *s = &p->net->spec.stage[i];
        void *mine = p->ws->delta[(p->net->spec.nstages - 1 - i) % 2];
        void *before = p->ws->delta[(p->net->spec.nstages - i) % 2];
        if (g != NULL && s->kind == JEBM_STAGE_PRODUCT) {
            stage_theta(p, i, mine, g);
        }
        if (i > 0) {
            const size_t size = jebm_shape_size(s->in);
            memset(element(p, before, p->images * size), 0,
                   (p->net->tile - p->images) * size * jebm_network_element(p->net));
        }
        if (i > 0 || grad != NULL) {
            stage_back(p, i, mine, before, grad);
        }
    }
}

/* ---- all tiles ------------------------------------------------------------------------------ */

static size_t images_from(const jebm_network *net, size_t n, size_t first) {
    return n - first < net->tile ? n - first : net->tile;
}

void jebm_network_forward(const jebm_network *net, const jebm_weights *weights, size_t n,
                          const float *x, float *y, jebm_workspace *ws) {
    const size_t in = jebm_network_inputs(net), out = jebm_network_outputs(net);
    for (size_t first = 0; first < n; first += net->tile) {
        const pass p = {net, weights, ws, images_from(net, n, first)};
        load(&p, x + first * in);
        forward(&p, false);
        for (size_t b = 0; b < p.images; b++) {
            outputs(&p, b, y + (first + b) * out);
        }
    }
}

/* the last stage's deltas of the images that do not count */
static void clear_rest(const pass *p) {
    const size_t size = jebm_network_outputs(p->net);
    memset(element(p, p->ws->delta[0], p->images * size), 0,
           (p->net->tile - p->images) * size * jebm_network_element(p->net));
}

void jebm_network_gradient(const jebm_network *net, const jebm_weights *weights, size_t n,
                           const float *x, float *F, float *grad, jebm_workspace *ws) {
    const size_t in = jebm_network_inputs(net);
    for (size_t first = 0; first < n; first += net->tile) {
        const pass p = {net, weights, ws, images_from(net, n, first)};
        load(&p, x + first * in);
        forward(&p, true);
        for (size_t b = 0; b < p.images; b++) {
            outputs(&p, b, ws->out);
            if (F != NULL) {
                F[first + b] = ws->out[0];
            }
            ws->dy[0] = 1.0f;
            start_back(&p, b, ws->out, ws->dy, ws->delta[0]);
        }
        clear_rest(&p);
        backward(&p, grad + first * in, NULL);
    }
}

void jebm_network_backward(const jebm_network *net, const jebm_weights *weights, size_t n,
                           const float *x, jebm_output_gradient loss, void *context, double *g,
                           jebm_workspace *ws) {
    const size_t in = jebm_network_inputs(net);
    for (size_t first = 0; first < n; first += net->tile) {
        const pass p = {net, weights, ws, images_from(net, n, first)};
        load(&p, x + first * in);
        forward(&p, true);
        for (size_t b = 0; b < p.images; b++) {
            outputs(&p, b, ws->out);
            loss(context, first + b, ws->out, ws->dy);
            start_back(&p, b, ws->out, ws->dy, ws->delta[0]);
        }
        clear_rest(&p);
        backward(&p, NULL, g);
    }
}
