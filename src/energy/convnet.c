/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "energy/convnet.h"

#include "core/threads.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* walkers a block: enough to fill the products, few enough to share a mini-batch among threads */
#define BLOCK 32

/* a network on one back end with a workspace for each thread */
typedef struct engine {
    jebm_network *net;
    size_t threads;
    jebm_workspace **ws; /* [threads] */
} engine;

/* what the copies of an energy share */
typedef struct shared {
    size_t owners;
    engine value, slope; /* of U and grad_theta U, and of grad_x U where its back end is another */
} shared;

typedef struct convnet {
    jebm_energy base; /* first: a jebm_energy of this kind is a convnet */
    shared *shared;
    double temperature, confine;
    jebm_weights *weights, *slope_weights;
} convnet;

static const convnet *of(const jebm_energy *e) {
    return (const convnet *)e;
}

const jebm_network *jebm_convnet_network(const jebm_energy *e) {
    return of(e)->shared->value.net;
}

static jebm_workspace *workspace(const engine *e) {
    const size_t thread = jebm_thread_index();
    assert(thread < e->threads); /* see jebm_energy_room() */
    return e->ws[thread];
}

/* ---- evaluation ----------------------------------------------------------------------------- */

static double half_square(size_t d, const float *x, double s) {
    double sum = 0.0;
    for (size_t j = 0; j < d; j++) {
        sum += (double)x[j] * (double)x[j];
    }
    return sum / (2.0 * s * s);
}

static void finish_U(const convnet *c, size_t n, const float *x, const float *F, double *U) {
    for (size_t i = 0; i < n; i++) {
        U[i] = (double)F[i] / c->temperature;
        U[i] += c->confine > 0.0 ? half_square(c->base.d, x + i * c->base.d, c->confine) : 0.0;
    }
}

static void finish_gradient(const convnet *c, size_t n, const float *x, float *grad) {
    const float inverse = (float)(1.0 / c->temperature);
    const float pull = c->confine > 0.0 ? (float)(1.0 / (c->confine * c->confine)) : 0.0f;
    for (size_t j = 0; j < n * c->base.d; j++) {
        grad[j] = grad[j] * inverse + pull * x[j];
    }
}

static void eval_some(const convnet *c, size_t n, const float *x, double *U, float *grad) {
    const shared *s = c->shared;
    const bool apart = s->slope.net != NULL;
    float F[JEBM_BLOCK];
    if (grad == NULL || (apart && U != NULL)) {
        jebm_network_forward(s->value.net, c->weights, n, x, F, workspace(&s->value));
    }
    if (grad != NULL && apart) {
        jebm_network_gradient(s->slope.net, c->slope_weights, n, x, NULL, grad,
                              workspace(&s->slope));
    } else if (grad != NULL) {
        jebm_network_gradient(s->value.net, c->weights, n, x, F, grad, workspace(&s->value));
    }
    if (grad != NULL) {
        finish_gradient(c, n, x, grad);
    }
    if (U != NULL) {
        finish_U(c, n, x, F, U);
    }
}

static void eval(const jebm_energy *e, size_t n, const float *x, double *U, float *grad) {
    for (size_t i = 0; i < n; i += JEBM_BLOCK) {
        const size_t count = n - i < JEBM_BLOCK ? n - i : JEBM_BLOCK;
        eval_some(of(e), count, x + i * e->d, U != NULL ? U + i : NULL,
                  grad != NULL ? grad + i * e->d : NULL);
    }
}

/* what theta_grad() and data() make of the outputs: dU/dF times a weight, and the sum of F */
typedef struct loss {
    const float *w; /* NULL: ones */
    double inverse, sum;
} loss;

static void weigh(void *context, size_t image, const float *y, float *dy) {
    loss *l = context;
    l->sum += (double)y[0];
    dy[0] = (float)(l->inverse * (l->w != NULL ? (double)l->w[image] : 1.0));
}

static void theta_grad(const jebm_energy *e, size_t n, const float *x, const float *w, double *g) {
    const convnet *c = of(e);
    loss l = {.w = w, .inverse = 1.0 / c->temperature};
    jebm_network_backward(c->shared->value.net, c->weights, n, x, weigh, &l, g,
                          workspace(&c->shared->value));
}

static double data(const jebm_energy *e, size_t n, const float *x, double *g) {
    const convnet *c = of(e);
    loss l = {.inverse = 1.0 / c->temperature};
    jebm_network_backward(c->shared->value.net, c->weights, n, x, weigh, &l, g,
                          workspace(&c->shared->value));
    double sum = l.sum / c->temperature;
    for (size_t i = 0; i < n && c->confine > 0.0; i++) {
        sum += half_square(e->d, x + i * e->d, c->confine);
    }
    return sum;
}

/* ---- the reference density ------------------------------------------------------------------ */

static void uniform_row(jebm_rng rng, size_t row, size_t d, float *x) {
    enum { PIECE = 64 };
    double u[PIECE];
    /* a row's draws begin at an even index */
    const size_t stride = (d + 1) / 2 * 2;
    for (size_t j = 0; j < d; j += PIECE) {
        const size_t count = d - j < PIECE ? d - j : PIECE;
        jebm_rng_uniforms(rng, JEBM_LANE_INIT, 0, row * stride + j, count, u);
        for (size_t i = 0; i < count; i++) {
            x[j + i] = (float)(1.0 - 2.0 * u[i]);
        }
    }
}

static double reference(const jebm_energy *e, jebm_rng rng, size_t first, size_t n, float *x,
                        double *U_ref) {
    const double s = of(e)->confine;
    const size_t d = e->d;
    if (s > 0.0) {
        jebm_rng_normals(rng, JEBM_LANE_INIT, 0, first, n, d, (float)s, x);
        for (size_t i = 0; i < n; i++) {
            U_ref[i] = half_square(d, x + i * d, s);
        }
        return 0.5 * (double)d * log(2.0 * 3.14159265358979323846 * s * s);
    }
    for (size_t i = 0; i < n; i++) {
        uniform_row(rng, first + i, d, x + i * d);
        U_ref[i] = 0.0;
    }
    return (double)d * log(2.0);
}

/* ---- life cycle ----------------------------------------------------------------------------- */

static void refresh(jebm_energy *e) {
    convnet *c = (convnet *)e;
    jebm_weights_set(c->shared->value.net, c->weights, e->theta);
    if (c->slope_weights != NULL) {
        jebm_weights_set(c->shared->slope.net, c->slope_weights, e->theta);
    }
}

static void free_engine(engine *e) {
    for (size_t i = 0; i < e->threads; i++) {
        jebm_workspace_free(e->ws[i]);
    }
    free(e->ws);
    jebm_network_free(e->net);
}

static void leave(shared *s) {
    if (s != NULL && --s->owners == 0) {
        free_engine(&s->value);
        free_engine(&s->slope);
        free(s);
    }
}

static void free_convnet(jebm_energy *e) {
    convnet *c = (convnet *)e;
    jebm_weights_free(c->weights);
    jebm_weights_free(c->slope_weights);
    leave(c->shared);
    free(e->theta);
    free(c);
}

static const jebm_energy_ops convnet_ops;

/* an energy of s, of which it becomes an owner, with theta still to be set */
static jebm_status make(shared *s, double temperature, double confine, jebm_energy **out,
                        jebm_error *err) {
    convnet *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for an energy");
    }
    const size_t P = jebm_network_nparams(s->value.net);
    c->base = (jebm_energy){.ops = &convnet_ops,
                            .d = jebm_network_inputs(s->value.net),
                            .block = BLOCK,
                            .nparams = P,
                            .theta = calloc(P, sizeof(double)),
                            .ngroups = 1,
                            .groups = {{"theta", 0, P}}};
    c->temperature = temperature;
    c->confine = confine;
    c->shared = s;
    s->owners++;
    jebm_status status = c->base.theta != NULL
                             ? jebm_weights_new(s->value.net, &c->weights, err)
                             : jebm_fail(err, JEBM_ENOMEM, "no memory for %zu parameters", P);
    if (status == JEBM_OK && s->slope.net != NULL) {
        status = jebm_weights_new(s->slope.net, &c->slope_weights, err);
    }
    if (status != JEBM_OK) {
        free_convnet(&c->base);
        return status;
    }
    *out = &c->base;
    return JEBM_OK;
}

static jebm_energy *copy(const jebm_energy *e) {
    const convnet *c = of(e);
    jebm_energy *twin = NULL;
    if (make(c->shared, c->temperature, c->confine, &twin, NULL) != JEBM_OK) {
        return NULL;
    }
    jebm_energy_set(twin, e->theta);
    return twin;
}

/* workspaces for so many threads; those that are there stay */
static jebm_status grow(engine *e, size_t threads, jebm_error *err) {
    if (e->net == NULL || threads <= e->threads) {
        return JEBM_OK;
    }
    jebm_workspace **ws = realloc(e->ws, threads * sizeof *ws);
    if (ws == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu workspaces", threads);
    }
    e->ws = ws;
    while (e->threads < threads) {
        JEBM_TRY(jebm_workspace_new(e->net, &e->ws[e->threads], err));
        e->threads++;
    }
    return JEBM_OK;
}

static jebm_status room(jebm_energy *e, size_t threads, jebm_error *err) {
    shared *s = of(e)->shared;
    JEBM_TRY(grow(&s->value, threads, err));
    return grow(&s->slope, threads, err);
}

static const jebm_energy_ops convnet_ops = {.name = "convnet",
                                            .eval = eval,
                                            .theta_grad = theta_grad,
                                            .refresh = refresh,
                                            .copy = copy,
                                            .free = free_convnet,
                                            .room = room,
                                            .reference = reference,
                                            .data = data};

static jebm_status check(const jebm_convnet_config *config, jebm_error *err) {
    if (!(config->temperature > 0.0 && isfinite(config->temperature))) {
        return jebm_fail(err, JEBM_EINVAL, "the temperature is %g, expected > 0",
                         config->temperature);
    }
    if (!(config->confine >= 0.0 && isfinite(config->confine))) {
        return jebm_fail(err, JEBM_EINVAL,
                         "the confining deviation is %g, expected > 0, or 0 for the cube",
                         config->confine);
    }
    return JEBM_OK;
}

static jebm_status fill_engine(const jebm_convnet_config *config, jebm_gemm_backend backend,
                               engine *e, jebm_error *err) {
    JEBM_TRY(jebm_network_new(config->spec, config->shape, backend, config->tile, &e->net, err));
    if (jebm_network_outputs(e->net) != 1) {
        return jebm_fail(err, JEBM_EINVAL, "the network '%s' has %zu outputs, an energy has 1",
                         config->spec, jebm_network_outputs(e->net));
    }
    return grow(e, jebm_thread_count(), err);
}

static jebm_status start(const jebm_convnet_config *config, shared *s, jebm_rng rng,
                         jebm_energy **out, jebm_error *err) {
    JEBM_TRY(fill_engine(config, config->backend, &s->value, err));
    if (config->drift != config->backend) {
        JEBM_TRY(fill_engine(config, config->drift, &s->slope, err));
    }
    JEBM_TRY(make(s, config->temperature, config->confine, out, err));
    jebm_network_init(s->value.net, rng, (*out)->theta);
    if (config->zero_last) {
        size_t first, count;
        jebm_network_last(s->value.net, &first, &count);
        memset((*out)->theta + first, 0, count * sizeof(double));
    }
    refresh(*out);
    return JEBM_OK;
}

void jebm_convnet_temper(const double *theta, double beta, jebm_energy *e) {
    size_t first, count;
    jebm_network_last(of(e)->shared->value.net, &first, &count);
    memcpy(e->theta, theta, e->nparams * sizeof *theta);
    for (size_t i = first; i < first + count; i++) {
        e->theta[i] *= beta;
    }
    refresh(e);
}

jebm_status jebm_convnet_new(const jebm_convnet_config *config, jebm_rng rng, jebm_energy **out,
                             jebm_error *err) {
    JEBM_TRY(check(config, err));
    shared *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for an energy");
    }
    s->owners = 1; /* until it is made */
    const jebm_status status = start(config, s, rng, out, err);
    leave(s);
    return status;
}
