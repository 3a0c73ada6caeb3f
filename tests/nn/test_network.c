/* Networks against the oracle: outputs by the definition of each layer in double, gradients by its
 * central differences; in every back end and instruction set that this machine has. And what holds
 * to the bit: an image's results depend neither on the images beside it nor on threads.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/network.h"

#include "core/isa.h"
#include "oracle.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- a network with parameters and images --------------------------------------------------- */

typedef struct fixture {
    const char *spec;
    jebm_shape shape;
    jebm_gemm_backend backend;
    jebm_network *net;
    jebm_weights *weights;
    jebm_workspace *ws;
    size_t n, in, out, nparams;
    double *theta; /* as float holds them, so that both sides see the same network */
    float *x; /* [n][in] */
} fixture;

static void *get(size_t n, size_t size) {
    void *p = calloc(n + 1, size);
    cr_assert_not_null(p);
    return p;
}

static fixture fixture_new(const char *spec, jebm_shape shape, jebm_gemm_backend backend,
                           size_t tile, size_t n) {
    fixture f = {.spec = spec, .shape = shape, .backend = backend, .n = n};
    jebm_error err = {0};
    cr_assert_eq(jebm_network_new(spec, shape, backend, tile, &f.net, &err), JEBM_OK, "%s",
                 err.text);
    cr_assert_eq(jebm_weights_new(f.net, &f.weights, &err), JEBM_OK);
    cr_assert_eq(jebm_workspace_new(f.net, &f.ws, &err), JEBM_OK);
    f.in = jebm_network_inputs(f.net);
    f.out = jebm_network_outputs(f.net);
    f.nparams = jebm_network_nparams(f.net);
    f.theta = get(f.nparams, sizeof *f.theta);
    f.x = get(n * f.in, sizeof *f.x);
    jebm_network_init(f.net, jebm_rng_make(1, 2), f.theta);
    for (size_t j = 0; j < f.nparams; j++) {
        f.theta[j] = (float)f.theta[j];
    }
    jebm_weights_set(f.net, f.weights, f.theta);
    jebm_rng_normals(jebm_rng_make(3, 4), JEBM_LANE_NOISE, 0, 0, n, f.in, 1.0f, f.x);
    return f;
}

static void fixture_free(fixture *f) {
    jebm_workspace_free(f->ws);
    jebm_weights_free(f->weights);
    jebm_network_free(f->net);
    free(f->theta);
    free(f->x);
}

/* ---- the oracle's answers ------------------------------------------------------------------- */

#define MOST_OUTPUTS 256

static void oracle(const fixture *f, const double *theta, const double *x, double *y) {
    const size_t shape[] = {f->shape.channels, f->shape.height, f->shape.width};
    cr_assert_eq(oracle_outputs(f->spec, shape, theta, x, y), f->out, "%s", f->spec);
}

/* a loss with a gradient that depends on the output: sum_j c_j y_j + y_j^2 / 4 */
static double coefficient(size_t image, size_t j) {
    return cos(1.0 + (double)j + 2.0 * (double)image);
}

static double loss_of(size_t image, size_t n, const double *y) {
    double sum = 0.0;
    for (size_t j = 0; j < n; j++) {
        sum += coefficient(image, j) * y[j] + 0.25 * y[j] * y[j];
    }
    return sum;
}

static void loss_gradient(void *context, size_t image, const float *y, float *dy) {
    const size_t *n = context;
    for (size_t j = 0; j < *n; j++) {
        dy[j] = (float)(coefficient(image, j) + 0.5 * (double)y[j]);
    }
}

/* Central differences: error STEP^2 f'''/6 + 2^-52 |f| / STEP, below 1e-9 for the functions here */
#define STEP 1e-6

/* d/dv of the sum over the images of what is asked, v being x[at] of `image` or theta[at] */
static double difference(const fixture *f, bool by_theta, size_t image, size_t at) {
    double *theta = get(f->nparams, sizeof *theta), *x = get(f->n * f->in, sizeof *x);
    double change = 0.0, y[MOST_OUTPUTS];
    memcpy(theta, f->theta, f->nparams * sizeof *theta);
    for (size_t i = 0; i < f->n * f->in; i++) {
        x[i] = (double)f->x[i];
    }
    for (int sign = -1; sign <= 1; sign += 2) {
        double *v = by_theta ? theta + at : x + image * f->in + at;
        const double before = *v;
        *v += sign * STEP;
        for (size_t i = by_theta ? 0 : image; i < (by_theta ? f->n : image + 1); i++) {
            oracle(f, theta, x + i * f->in, y);
            change += sign * (by_theta ? loss_of(i, f->out, y) : y[0]);
        }
        *v = before;
    }
    free(theta);
    free(x);
    return change / (2.0 * STEP);
}

/* ---- what is compared ----------------------------------------------------------------------- */

typedef enum question { OUTPUTS, GRAD_X, GRAD_THETA } question;
static const char *const questions[] = {"outputs", "grad_x", "grad_theta"};

/* of the parameters some 60, spread over all layers, for the oracle is slow; the last one, a bias,
 * is among them */
static size_t theta_step(const fixture *f) {
    return f->nparams / 60 + 1;
}

static size_t count_of(const fixture *f, question q) {
    return q == OUTPUTS  ? f->n * f->out
           : q == GRAD_X ? f->n * f->in
                         : (f->nparams - 1) / theta_step(f) + 1;
}

static size_t parameter(const fixture *f, size_t i) {
    return f->nparams - 1 - i * theta_step(f);
}

static void ask_oracle(const fixture *f, question q, double *to) {
    double *x = get(f->in, sizeof *x);
    for (size_t i = 0; q == OUTPUTS && i < f->n; i++) {
        for (size_t j = 0; j < f->in; j++) {
            x[j] = (double)f->x[i * f->in + j];
        }
        oracle(f, f->theta, x, to + i * f->out);
    }
    for (size_t i = 0; q != OUTPUTS && i < count_of(f, q); i++) {
        to[i] = q == GRAD_X ? difference(f, false, i / f->in, i % f->in)
                            : difference(f, true, 0, parameter(f, i));
    }
    free(x);
}

static void ask_theta(fixture *f, double *to) {
    double *g = get(f->nparams, sizeof *g);
    for (size_t j = 0; j < f->nparams; j++) {
        g[j] = 1.0; /* it is added to what is there */
    }
    jebm_network_backward(f->net, f->weights, f->n, f->x, loss_gradient, &f->out, g, f->ws);
    for (size_t i = 0; i < count_of(f, GRAD_THETA); i++) {
        to[i] = g[parameter(f, i)] - 1.0;
    }
    free(g);
}

static void ask_network(fixture *f, question q, double *to) {
    const size_t n = count_of(f, q);
    float *found = get(n, sizeof *found), *F = get(f->n, sizeof *F), *y = get(f->n, sizeof *y);
    if (q == GRAD_THETA) {
        ask_theta(f, to);
    } else if (q == OUTPUTS) {
        jebm_network_forward(f->net, f->weights, f->n, f->x, found, f->ws);
    } else {
        jebm_network_gradient(f->net, f->weights, f->n, f->x, F, found, f->ws);
        jebm_network_forward(f->net, f->weights, f->n, f->x, y, f->ws);
        cr_expect_arr_eq(F, y, f->n * sizeof *F);
    }
    for (size_t i = 0; q != GRAD_THETA && i < n; i++) {
        to[i] = (double)found[i];
    }
    free(found);
    free(F);
    free(y);
}

/* Of the largest magnitude among the values compared. Single precision: a sum of K < 1000 terms has
 * an error near sqrt(K) 2^-24 < 2e-6 of its terms' size, and these networks have up to five of them
 * each way. bf16: weights and inputs of a product are each rounded by up to 2^-9, which makes
 * 2^-8 a product, five products each way. */
static double tolerance(jebm_gemm_backend backend) {
    return backend == JEBM_GEMM_BF16 ? 10.0 * 0x1p-8 : 1e-5;
}

/* Rounding to bf16 may put a value on the other side of a kink, where the derivative is another: no
 * bound holds for a single gradient, but few values are that near, so one does for the whole. */
static bool kinked(const fixture *f, question q) {
    return f->backend == JEBM_GEMM_BF16 && q != OUTPUTS &&
           (strstr(f->spec, "leaky") != NULL || strstr(f->spec, "relu") != NULL ||
            strstr(f->spec, "maxpool") != NULL);
}

static void compare(const fixture *f, question q, const double *found, const double *expected) {
    const size_t n = count_of(f, q);
    double largest = 0.0, squares = 0.0, errors = 0.0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs(expected[i]));
        squares += expected[i] * expected[i];
        errors += (found[i] - expected[i]) * (found[i] - expected[i]);
    }
    if (kinked(f, q)) {
        cr_expect_leq(errors, 0.25 * 0.25 * squares, "%s (%s), '%s', %s: error %.3g of %.3g",
                      jebm_gemm_name(f->backend), jebm_isa_name(), f->spec, questions[q],
                      sqrt(errors), sqrt(squares));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        cr_expect_leq(fabs(found[i] - expected[i]), tolerance(f->backend) * largest + 1e-8,
                      "%s (%s), '%s', %s: at %zu found %.9g, expected %.9g",
                      jebm_gemm_name(f->backend), jebm_isa_name(), f->spec, questions[q], i,
                      found[i], expected[i]);
    }
}

/* each layer by itself, then together; sizes that no vector and no tile divides */
static const struct {
    const char *spec;
    jebm_shape shape;
} networks[] = {
    {"linear 3", {2, 3, 4}},
    {"conv 5 k3", {2, 6, 5}},
    {"conv 1 k3 s2 p2", {1, 7, 8}},
    {"conv 18 k4 s2 p1 | linear 1", {3, 8, 9}},
    {"conv 3 k2 s3 | linear 1", {6, 8, 9}},
    {"linear 5 | silu | linear 1", {1, 2, 5}},
    {"linear 5 | relu | linear 1", {1, 2, 5}},
    {"linear 5 | leaky 0.2", {1, 2, 5}},
    {"linear 5 | silu", {1, 2, 5}},
    {"linear 7 | logsoftmax", {3, 2, 2}},
    {"conv 4 k3 p1 | maxpool 2 | linear 1", {1, 7, 6}},
    {"conv 4 k3 p1 | maxpool 3 s2 | silu | linear 1", {1, 7, 6}},
    {"conv 17 k3 p1 | avgpool 2 | linear 1", {1, 7, 6}},
    {"avgpool 3 s1 | leaky 0.3 | silu | linear 1", {2, 5, 4}},
    {"conv 16 k5 s2 p4 | silu | conv 20 k3 s2 p1 | silu | linear 6 | silu | linear 1", {1, 9, 9}},
    {"conv 6 k3 p1 | leaky 0.2 | conv 17 k4 s2 p1 | leaky 0.2 | conv 1 k4", {3, 8, 8}},
    {"conv 5 k3 p2 | maxpool 2 s1 | relu | avgpool 2 | conv 3 k1 | flatten | linear 4 | "
     "logsoftmax",
     {2, 6, 7}},
};

#define NETWORKS (sizeof networks / sizeof networks[0])

/* one network in this instruction set, in all back ends; tiles of two images */
static void ask_all(size_t which, question q, size_t n, const double *expected) {
    for (int backend = 0; backend < JEBM_GEMM_COUNT; backend++) {
        if (jebm_gemm_available((jebm_gemm_backend)backend)) {
            fixture f = fixture_new(networks[which].spec, networks[which].shape,
                                    (jebm_gemm_backend)backend, 2, n);
            double *found = get(count_of(&f, q), sizeof *found);
            ask_network(&f, q, found);
            compare(&f, q, found, expected);
            free(found);
            fixture_free(&f);
        }
    }
}

static void check_all(question q, size_t n) {
    const jebm_isa best = jebm_isa_current();
    for (size_t i = 0; i < NETWORKS; i++) {
        fixture f = fixture_new(networks[i].spec, networks[i].shape, JEBM_GEMM_REFERENCE, 2, n);
        double *expected = get(count_of(&f, q), sizeof *expected);
        const bool possible = q != GRAD_X || f.out == 1;
        if (possible) {
            ask_oracle(&f, q, expected);
        }
        for (int isa = 0; possible && isa <= (int)best; isa++) {
            if (jebm_isa_select((jebm_isa)isa) == JEBM_OK) {
                ask_all(i, q, n, expected);
            }
        }
        free(expected);
        fixture_free(&f);
    }
    jebm_isa_select(best);
}

Test(network, outputs_are_what_the_definition_gives) {
    check_all(OUTPUTS, 5);
}

Test(network, gradients_in_x_are_central_differences) {
    check_all(GRAD_X, 3);
}

Test(network, gradients_in_theta_are_central_differences) {
    check_all(GRAD_THETA, 3);
}

/* ---- to the bit ----------------------------------------------------------------------------- */

#define SMALL "conv 16 k5 s2 p4 | silu | conv 20 k3 s2 p1 | leaky 0.2 | linear 6 | silu | linear 1"
static const jebm_shape small = {1, 12, 12};

/* the paper's, whose products have other shapes */
#define MNIST                                                                        \
    "conv 16 k5 s2 p4 | silu | conv 32 k3 s2 p1 | silu | conv 64 k3 s2 p1 | silu | " \
    "conv 64 k3 s2 p1 | silu | flatten | linear 64 | silu | linear 1"
static const jebm_shape digit = {1, 28, 28};

static void check_alone(const char *spec, jebm_shape shape, size_t tile, size_t n,
                        jebm_gemm_backend backend) {
    fixture f = fixture_new(spec, shape, backend, tile, n);
    float F[64], one_F, *grad = get(f.n * f.in, sizeof *grad), *one = get(f.in, sizeof *one);
    size_t differ = 0;
    jebm_network_gradient(f.net, f.weights, f.n, f.x, F, grad, f.ws);
    for (size_t i = 0; i < f.n; i++) {
        jebm_network_gradient(f.net, f.weights, 1, f.x + i * f.in, &one_F, one, f.ws);
        differ += one_F != F[i] || memcmp(one, grad + i * f.in, f.in * sizeof *one) != 0;
    }
    cr_expect_eq(differ, 0, "%s, '%s', tile %zu: %zu of %zu images differ", jebm_gemm_name(backend),
                 spec, tile, differ, f.n);
    free(grad);
    free(one);
    fixture_free(&f);
}

Test(network, an_image_alone_gives_what_it_gives_among_others) {
    for (int backend = 0; backend < JEBM_GEMM_COUNT; backend++) {
        if (jebm_gemm_available((jebm_gemm_backend)backend)) {
            check_alone(SMALL, small, 0, 37, (jebm_gemm_backend)backend);
            check_alone(SMALL, small, 1, 7, (jebm_gemm_backend)backend);
            check_alone(SMALL, small, 5, 37, (jebm_gemm_backend)backend);
            check_alone(MNIST, digit, 0, 17, (jebm_gemm_backend)backend);
        }
    }
}

/* what a thread computes, again and again */
typedef struct work {
    const fixture *f;
    float *F, *grad;
    double *g;
} work;

static work work_new(const fixture *f) {
    return (work){f, get(f->n, sizeof(float)), get(f->n * f->in, sizeof(float)),
                  get(f->nparams, sizeof(double))};
}

static void work_free(work *w) {
    free(w->F);
    free(w->grad);
    free(w->g);
}

static void *compute(void *argument) {
    const work *w = argument;
    const fixture *f = w->f;
    jebm_workspace *ws = NULL;
    if (jebm_workspace_new(f->net, &ws, NULL) == JEBM_OK) {
        for (int again = 0; again < 3; again++) {
            memset(w->g, 0, f->nparams * sizeof *w->g);
            jebm_network_gradient(f->net, f->weights, f->n, f->x, w->F, w->grad, ws);
            size_t outputs = f->out;
            jebm_network_backward(f->net, f->weights, f->n, f->x, loss_gradient, &outputs, w->g,
                                  ws);
        }
    }
    jebm_workspace_free(ws);
    return NULL;
}

static void check_threads(jebm_gemm_backend backend) {
    fixture f = fixture_new(SMALL, small, backend, 0, 37);
    work alone = work_new(&f), both[2] = {work_new(&f), work_new(&f)};
    pthread_t threads[2];
    compute(&alone);
    for (int t = 0; t < 2; t++) {
        cr_assert_eq(pthread_create(&threads[t], NULL, compute, &both[t]), 0);
    }
    for (int t = 0; t < 2; t++) {
        pthread_join(threads[t], NULL);
        cr_expect_arr_eq(both[t].F, alone.F, f.n * sizeof *alone.F);
        cr_expect_arr_eq(both[t].grad, alone.grad, f.n * f.in * sizeof *alone.grad);
        cr_expect_arr_eq(both[t].g, alone.g, f.nparams * sizeof *alone.g, "%s",
                         jebm_gemm_name(backend));
        work_free(&both[t]);
    }
    work_free(&alone);
    fixture_free(&f);
}

Test(network, two_threads_at_once_compute_what_one_does) {
    for (int backend = 0; backend < JEBM_GEMM_COUNT; backend++) {
        if (jebm_gemm_available((jebm_gemm_backend)backend)) {
            check_threads((jebm_gemm_backend)backend);
        }
    }
}

/* the same within a parallel region, where oneDNN and OpenBLAS see OpenMP's threads */
Test(network, parallel_regions_compute_what_one_thread_does) {
    for (int backend = 0; backend < JEBM_GEMM_COUNT; backend++) {
        if (!jebm_gemm_available((jebm_gemm_backend)backend)) {
            continue;
        }
        fixture f = fixture_new(SMALL, small, (jebm_gemm_backend)backend, 0, 37);
        work alone = work_new(&f), both[2] = {work_new(&f), work_new(&f)};
        compute(&alone);
#ifdef _OPENMP
#pragma omp parallel for num_threads(2)
#endif
        for (int t = 0; t < 2; t++) {
            compute(&both[t]);
        }
        for (int t = 0; t < 2; t++) {
            cr_expect_arr_eq(both[t].grad, alone.grad, f.n * f.in * sizeof *alone.grad);
            cr_expect_arr_eq(both[t].g, alone.g, f.nparams * sizeof *alone.g);
            work_free(&both[t]);
        }
        work_free(&alone);
        fixture_free(&f);
    }
}

Test(network, a_diverged_image_leaves_no_trace_in_later_calls) {
    for (int backend = 0; backend < JEBM_GEMM_COUNT; backend++) {
        if (!jebm_gemm_available((jebm_gemm_backend)backend)) {
            continue;
        }
        fixture f = fixture_new(SMALL, small, (jebm_gemm_backend)backend, 0, 16);
        float *bad = get(f.n * f.in, sizeof *bad);
        double *g = get(f.nparams, sizeof *g), *expected = get(f.nparams, sizeof *g);
        jebm_network_backward(f.net, f.weights, 3, f.x, loss_gradient, &f.out, expected, f.ws);
        for (size_t i = 0; i < f.n * f.in; i++) {
            bad[i] = NAN;
        }
        jebm_network_backward(f.net, f.weights, f.n, bad, loss_gradient, &f.out, g, f.ws);
        cr_expect(isnan(g[0]));
        memset(g, 0, f.nparams * sizeof *g);
        jebm_network_backward(f.net, f.weights, 3, f.x, loss_gradient, &f.out, g, f.ws);
        cr_expect_arr_eq(g, expected, f.nparams * sizeof *g, "%s",
                         jebm_gemm_name((jebm_gemm_backend)backend));
        free(bad);
        free(g);
        free(expected);
        fixture_free(&f);
    }
}

/* ---- parameters ----------------------------------------------------------------------------- */

/* Uniform on [-b, b]: mean 0 with deviation b / sqrt(3 n), mean square b^2/3 with deviation
 * b^2 sqrt(4/45) / sqrt(n); five of each are allowed. */
Test(network, initial_parameters_are_uniform_within_their_fan_in) {
    jebm_network *net = NULL;
    cr_assert_eq(jebm_network_new("conv 40 k5 | silu | linear 30", (jebm_shape){4, 6, 6},
                                  JEBM_GEMM_REFERENCE, 0, &net, NULL),
                 JEBM_OK);
    const size_t n = jebm_network_nparams(net), ends[] = {40 * 100 + 40, n};
    const double bounds[] = {0.1, 1.0 / sqrt(160.0)};
    cr_assert_eq(n, 40 * 100 + 40 + 30 * 160 + 30);
    double *theta = get(n, sizeof *theta), *again = get(n, sizeof *theta);
    jebm_network_init(net, jebm_rng_make(5, 6), theta);
    jebm_network_init(net, jebm_rng_make(5, 6), again);
    cr_expect_arr_eq(theta, again, n * sizeof *theta);
    for (size_t layer = 0, j = 0; layer < 2; layer++) {
        const size_t first = j, count = ends[layer] - first;
        double mean = 0.0, square = 0.0, largest = 0.0;
        for (; j < ends[layer]; j++) {
            mean += theta[j] / (double)count;
            square += theta[j] * theta[j] / (double)count;
            largest = fmax(largest, fabs(theta[j]));
        }
        const double b = bounds[layer], root = sqrt((double)count);
        cr_expect_leq(largest, b);
        cr_expect_geq(largest, 0.99 * b);
        cr_expect_leq(fabs(mean), 5.0 * b / sqrt(3.0) / root);
        cr_expect_leq(fabs(square - b * b / 3.0), 5.0 * b * b * sqrt(4.0 / 45.0) / root);
    }
    free(theta);
    free(again);
    jebm_network_free(net);
}

Test(network, the_last_layer_with_parameters_is_found_behind_others) {
    jebm_network *net = NULL;
    size_t first = 0, count = 0;
    cr_assert_eq(jebm_network_new("linear 3 | conv 2 k1 | avgpool 1 | silu", (jebm_shape){1, 1, 4},
                                  JEBM_GEMM_REFERENCE, 0, &net, NULL),
                 JEBM_OK);
    jebm_network_last(net, &first, &count);
    cr_expect_eq(first, 3 * 4 + 3);
    cr_expect_eq(count, 2 * 3 + 2);
    jebm_network_free(net);
}

Test(network, weights_follow_theta) {
    fixture f = fixture_new(SMALL, small, jebm_gemm_default(), 0, 2);
    float before[2], between[2], after[2];
    double *other = get(f.nparams, sizeof *other);
    memcpy(other, f.theta, f.nparams * sizeof *other);
    other[f.nparams - 1] += 2.0;
    jebm_network_forward(f.net, f.weights, 2, f.x, before, f.ws);
    jebm_weights_set(f.net, f.weights, other);
    jebm_network_forward(f.net, f.weights, 2, f.x, between, f.ws);
    jebm_weights_set(f.net, f.weights, f.theta);
    jebm_network_forward(f.net, f.weights, 2, f.x, after, f.ws);
    cr_expect_float_eq((double)between[0] - (double)before[0], 2.0, 1e-6);
    cr_expect_arr_eq(before, after, sizeof before);
    free(other);
    fixture_free(&f);
}

Test(network, the_energies_may_be_left_out_of_the_gradient) {
    fixture f = fixture_new(SMALL, small, jebm_gemm_default(), 0, 3);
    float F[3], *with = get(f.n * f.in, sizeof *with), *without = get(f.n * f.in, sizeof *with);
    jebm_network_gradient(f.net, f.weights, 3, f.x, F, with, f.ws);
    jebm_network_gradient(f.net, f.weights, 3, f.x, NULL, without, f.ws);
    cr_expect_arr_eq(with, without, f.n * f.in * sizeof *with);
    free(with);
    free(without);
    fixture_free(&f);
}

Test(network, a_workspace_says_how_large_it_is) {
    fixture a = fixture_new(SMALL, small, JEBM_GEMM_REFERENCE, 4, 1);
    fixture b = fixture_new(SMALL, small, JEBM_GEMM_REFERENCE, 8, 1);
    /* at least inputs and outputs of the first product */
    cr_expect_geq(jebm_workspace_bytes(a.net), 4 * 4 * (144 + 16 * 64));
    cr_expect_geq(jebm_workspace_bytes(b.net), jebm_workspace_bytes(a.net));
    cr_expect_eq(jebm_network_tile(a.net), 4);
    cr_expect_eq(jebm_network_backend(a.net), JEBM_GEMM_REFERENCE);
    fixture_free(&a);
    fixture_free(&b);
}
