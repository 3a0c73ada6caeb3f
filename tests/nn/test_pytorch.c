/* Outputs and gradients that PyTorch found in double (make_fixtures.py), in every back end.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/network.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* every step-th of count values */
typedef struct series {
    size_t count, step;
    double *v; /* [(count + step - 1) / step] */
} series;

typedef struct expectation {
    char spec[512];
    jebm_shape shape;
    size_t images;
    double *theta; /* [nparams] */
    series outputs, grad_x, grad_theta;
} expectation;

static void *get(size_t n, size_t size) {
    void *p = calloc(n + 1, size);
    cr_assert_not_null(p);
    return p;
}

/* make_fixtures.py's values() */
static double value(uint32_t i, uint32_t salt) {
    uint32_t h = i * 2654435761u + salt * 40503u + 12345u;
    h = (h ^ (h >> 16)) * 0x45d9f3bu;
    h = (h ^ (h >> 16)) * 0x45d9f3bu;
    h ^= h >> 16;
    return (double)(h >> 8) / 8388608.0 - 1.0;
}

static series read_series(FILE *file, const char *name) {
    series s = {0};
    char found[32];
    cr_assert_eq(fscanf(file, " %31s %zu %zu", found, &s.count, &s.step), 3);
    cr_assert_str_eq(found, name);
    s.v = get(s.count, sizeof *s.v);
    for (size_t i = 0; i * s.step < s.count; i++) {
        cr_assert_eq(fscanf(file, " %lf", &s.v[i]), 1);
    }
    return s;
}

static double *read_theta(FILE *file) {
    double *theta = get(1 << 20, sizeof *theta), scale;
    size_t count, at = 0;
    while (fscanf(file, " theta %zu %lf", &count, &scale) == 2) {
        for (size_t end = at + count; at < end; at++) {
            theta[at] = scale * value((uint32_t)at, 1);
        }
    }
    return theta;
}

static expectation expectation_read(const char *name) {
    char path[1024];
    expectation e = {0};
    snprintf(path, sizeof path, "%s/%s", DATA, name);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fscanf(file, "spec %511[^\n] shape %zu %zu %zu images %zu", e.spec,
                        &e.shape.channels, &e.shape.height, &e.shape.width, &e.images),
                 5);
    e.theta = read_theta(file);
    e.outputs = read_series(file, "outputs");
    e.grad_x = read_series(file, "grad_x");
    e.grad_theta = read_series(file, "grad_theta");
    fclose(file);
    return e;
}

static void expectation_free(expectation *e) {
    free(e->theta);
    free(e->outputs.v);
    free(e->grad_x.v);
    free(e->grad_theta.v);
}

/* As in test_network.c: sqrt(K) 2^-24 a product in single precision, K < 1000 and six products each
 * way; 2^-8 a product in bf16. */
static void expect_near(jebm_gemm_backend backend, const char *what, const series *expected,
                        const double *found) {
    const double tolerance = backend == JEBM_GEMM_BF16 ? 12.0 * 0x1p-8 : 1e-5;
    double largest = 0.0;
    for (size_t i = 0; i * expected->step < expected->count; i++) {
        largest = fmax(largest, fabs(expected->v[i]));
    }
    for (size_t i = 0; i * expected->step < expected->count; i++) {
        cr_expect_leq(fabs(found[i * expected->step] - expected->v[i]), tolerance * largest,
                      "%s, %s: at %zu found %.9g, expected %.9g", jebm_gemm_name(backend), what,
                      i * expected->step, found[i * expected->step], expected->v[i]);
    }
}

static void expect_floats_near(jebm_gemm_backend backend, const char *what, const series *expected,
                               const float *found) {
    double *wide = get(expected->count, sizeof *wide);
    for (size_t i = 0; i < expected->count; i++) {
        wide[i] = (double)found[i];
    }
    expect_near(backend, what, expected, wide);
    free(wide);
}

/* the sum of all outputs, or minus the log-probability of class image % 10 */
static void loss(void *context, size_t image, const float *y, float *dy) {
    const size_t n = *(const size_t *)context;
    (void)y;
    for (size_t j = 0; j < n; j++) {
        dy[j] = n == 1 ? 1.0f : j == image % 10 ? -1.0f : 0.0f;
    }
}

static void check(const expectation *e, jebm_gemm_backend backend) {
    jebm_network *net = NULL;
    jebm_weights *weights = NULL;
    jebm_workspace *ws = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_network_new(e->spec, e->shape, backend, 0, &net, &err), JEBM_OK, "%s",
                 err.text);
    cr_assert_eq(jebm_weights_new(net, &weights, &err), JEBM_OK);
    cr_assert_eq(jebm_workspace_new(net, &ws, &err), JEBM_OK);
    size_t out = jebm_network_outputs(net);
    const size_t in = jebm_network_inputs(net);
    cr_assert_eq(jebm_network_nparams(net), e->grad_theta.count);
    cr_assert_eq(e->images * out, e->outputs.count);
    cr_assert_eq(e->images * in, e->grad_x.count);
    float *x = get(e->images * in, sizeof *x), *grad = get(e->images * in, sizeof *grad);
    float *y = get(e->images * out, sizeof *y);
    double *g = get(e->grad_theta.count, sizeof *g);
    for (size_t i = 0; i < e->images * in; i++) {
        x[i] = (float)value((uint32_t)i, 2);
    }
    jebm_weights_set(net, weights, e->theta);
    jebm_network_forward(net, weights, e->images, x, y, ws);
    expect_floats_near(backend, "outputs", &e->outputs, y);
    jebm_network_backward(net, weights, e->images, x, loss, &out, g, ws);
    expect_near(backend, "grad_theta", &e->grad_theta, g);
    if (out == 1) {
        jebm_network_gradient(net, weights, e->images, x, y, grad, ws);
        expect_floats_near(backend, "grad_x", &e->grad_x, grad);
    }
    free(x);
    free(y);
    free(g);
    free(grad);
    jebm_workspace_free(ws);
    jebm_weights_free(weights);
    jebm_network_free(net);
}

static void check_all(const char *name) {
    expectation e = expectation_read(name);
    for (int backend = 0; backend < JEBM_GEMM_COUNT; backend++) {
        if (jebm_gemm_available((jebm_gemm_backend)backend)) {
            check(&e, (jebm_gemm_backend)backend);
        }
    }
    expectation_free(&e);
}

Test(pytorch, the_papers_network_gives_what_it_gives) {
    check_all("mnist.txt");
}

Test(pytorch, a_classifier_with_pools_gives_what_it_gives) {
    check_all("classifier.txt");
}
