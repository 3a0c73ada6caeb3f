/* The Gaussian mixture against its naive twin in double, quadrature and finite differences, in
 * every instruction set that this machine has.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "energy/gmm.h"

#include "core/isa.h"
#include "gmm_reference.h"

#include <criterion/criterion.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const isa_names[JEBM_ISA_COUNT] = {"baseline", "avx2", "avx512"};

#define H 0.1

/* ---- what is compared ----------------------------------------------------------------------- */

/* largest error of a comparison, in units of what is allowed */
typedef struct worst {
    double error, found, expected;
    size_t index;
} worst;

static void compare(worst *w, size_t index, double found, double expected, double allowed) {
    double error = fabs(found - expected) / allowed;
    error = isnan(error) ? INFINITY : error;
    if (error > w->error) {
        *w = (worst){error, found, expected, index};
    }
}

/* two mixtures near each other, walkers at the first one's modes, weights */
typedef struct fixture {
    size_t d, modes, n;
    jebm_energy *now, *next;
    gmm_reference ref_now, ref_next;
    float *x; /* [n][d] */
    float *w; /* [n] */
    char name[64];
} fixture;

static void expect_within(const fixture *f, const char *what, const worst *w) {
    cr_expect_leq(w->error, 1.0, "%s, %s: at %zu found %.9g, expected %.9g, %.3g x allowed",
                  f->name, what, w->index, w->found, w->expected, w->error);
}

static void *get(size_t n, size_t size) {
    void *p = calloc(n + 1, size);
    cr_assert_not_null(p);
    return p;
}

static jebm_energy *mixture(size_t d, size_t modes) {
    jebm_energy *e = NULL;
    cr_assert_eq(jebm_gmm_new(d, modes, &e, NULL), JEBM_OK);
    return e;
}

/* parameters that single precision holds exactly, so that both sides see the same mixture */
static void set_rounded(jebm_energy *e) {
    for (size_t i = 0; i < e->nparams; i++) {
        e->theta[i] = (float)e->theta[i];
    }
    e->ops->refresh(e);
}

static gmm_reference reference_of(const jebm_energy *e) {
    return (gmm_reference){e->d, jebm_gmm_modes(e), e->theta};
}

/* modes some 2.5 apart in any dimension, so that no responsibility is trivial */
static fixture fixture_new(size_t d, size_t modes, size_t n, jebm_isa isa) {
    fixture f = {
        .d = d, .modes = modes, .n = n, .now = mixture(d, modes), .next = mixture(d, modes)};
    gsl_rng *r = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(r, 1 + d * 1000 + modes * 200 + n);
    for (size_t i = 0; i < modes * d; i++) {
        f.now->theta[i] = gsl_ran_gaussian(r, 1.8 / sqrt((double)d));
    }
    for (size_t i = modes * d; i < f.now->nparams; i++) {
        f.now->theta[i] = gsl_ran_gaussian(r, 1.0);
    }
    for (size_t i = 0; i < f.now->nparams; i++) {
        f.next->theta[i] = f.now->theta[i] + gsl_ran_gaussian(r, 0.1);
    }
    set_rounded(f.now);
    set_rounded(f.next);
    f.ref_now = reference_of(f.now);
    f.ref_next = reference_of(f.next);
    f.x = get(n * d, sizeof *f.x);
    f.w = get(n, sizeof *f.w);
    for (size_t i = 0; i < n; i++) {
        const size_t mode = gsl_rng_uniform_int(r, modes);
        for (size_t j = 0; j < d; j++) {
            f.x[i * d + j] = (float)(f.now->theta[mode * d + j] + gsl_ran_ugaussian(r));
        }
        f.w[i] = (float)gsl_rng_uniform(r);
    }
    gsl_rng_free(r);
    snprintf(f.name, sizeof f.name, "%s d=%zu K=%zu n=%zu", isa_names[isa], d, modes, n);
    return f;
}

static void fixture_free(fixture *f) {
    jebm_energy_free(f->now);
    jebm_energy_free(f->next);
    free(f->x);
    free(f->w);
}

/* every instruction set, and shapes on both sides of every vector's and block's width */
static void battery(void (*check)(const fixture *f)) {
    static const size_t ds[] = {1, 2, 3, 5, 15, 16, 17, 31, 33, 50, 64, 65, 100};
    static const size_t ks[] = {1, 2, 3, 5}, ns[] = {1, 15, 16, 17, 100, 128};
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (size_t i = 0; i < sizeof ds / sizeof *ds; i++) {
            for (size_t k = 0; k < sizeof ks / sizeof *ks; k++) {
                for (size_t n = 0; n < sizeof ns / sizeof *ns; n++) {
                    fixture f = fixture_new(ds[i], ks[k], ns[n], (jebm_isa)isa);
                    check(&f);
                    fixture_free(&f);
                }
            }
        }
    }
}

static void widen(size_t n, const float *from, double *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i];
    }
}

/* What single precision may miss in U(x) and, absolutely, in a responsibility: squares are summed
 * in at most d/4 + 6 additions of error 6e-8 each, but errors of either sign mostly cancel; the
 * largest seen here is half of it. z and the terms of the sum are of the size of U and z. */
static double slack(const gmm_reference *m, const double *x) {
    double size = 1.0 + fabs(gmm_reference_energy(m, x, NULL));
    for (size_t k = 0; k < m->modes; k++) {
        size += fabs(gmm_reference_z(m, k));
    }
    return 5e-7 * size;
}

/* the same, times the largest mean: of a gradient in x */
static double slack_grad(const gmm_reference *m, const double *x) {
    double largest = 1.0;
    for (size_t j = 0; j < m->modes * m->d; j++) {
        largest = fmax(largest, fabs(m->theta[j]));
    }
    for (size_t j = 0; j < m->d; j++) {
        largest = fmax(largest, fabs(x[j]));
    }
    return slack(m, x) * largest;
}

/* ---- the twin itself ------------------------------------------------------------------------ */

/* Central differences of step s: truncation s^2/6 |U'''|, where |U'''| <= 10 here, and rounding
 * 2e-16 |U| / s: with s = 1e-5 below 1e-8 for |U| < 100. */
Test(gmm_reference, gradients_are_those_of_central_differences) {
    const double s = 1e-5;
    static const size_t shapes[][2] = {{1, 1}, {1, 2}, {2, 3}, {7, 5}, {50, 2}};
    for (size_t c = 0; c < sizeof shapes / sizeof *shapes; c++) {
        fixture f = fixture_new(shapes[c][0], shapes[c][1], 4, JEBM_ISA_BASELINE);
        const size_t P = f.now->nparams;
        double x[64], grad[64], *g = get(P, sizeof *g);
        worst in_x = {0}, in_theta = {0};
        for (size_t i = 0; i < f.n; i++) {
            widen(f.d, f.x + i * f.d, x);
            gmm_reference_grad_x(&f.ref_now, x, grad);
            for (size_t j = 0; j < f.d; j++) {
                const double at = x[j];
                x[j] = at + s;
                const double above = gmm_reference_energy(&f.ref_now, x, NULL);
                x[j] = at - s;
                const double below = gmm_reference_energy(&f.ref_now, x, NULL);
                x[j] = at;
                compare(&in_x, j, grad[j], (above - below) / (2.0 * s), 1e-8);
            }
            memset(g, 0, P * sizeof *g);
            gmm_reference_grad_theta(&f.ref_now, x, 1.0, g);
            for (size_t j = 0; j < P; j++) {
                const double at = f.now->theta[j];
                f.now->theta[j] = at + s;
                const double above = gmm_reference_energy(&f.ref_now, x, NULL);
                f.now->theta[j] = at - s;
                const double below = gmm_reference_energy(&f.ref_now, x, NULL);
                f.now->theta[j] = at;
                compare(&in_theta, j, g[j], (above - below) / (2.0 * s), 1e-8);
            }
        }
        expect_within(&f, "grad_x", &in_x);
        expect_within(&f, "grad_theta", &in_theta);
        free(g);
        fixture_free(&f);
    }
}

/* eq. (5)-(6) is a ratio of path densities: q_k(y|x) = N(y; x - h grad U_k(x), 2h I) */
Test(gmm_reference, exact_weight_is_the_log_ratio_of_path_densities) {
    fixture f = fixture_new(5, 3, 20, JEBM_ISA_BASELINE);
    double x[5], y[5], grad_x[5], grad_y[5];
    for (size_t i = 0; i + 1 < f.n; i++) {
        widen(5, f.x + i * 5, x);
        widen(5, f.x + (i + 1) * 5, y);
        gmm_reference_grad_x(&f.ref_now, x, grad_x);
        gmm_reference_grad_x(&f.ref_next, y, grad_y);
        double expected =
            gmm_reference_energy(&f.ref_now, x, NULL) - gmm_reference_energy(&f.ref_next, y, NULL);
        for (size_t j = 0; j < 5; j++) {
            const double forth = y[j] - x[j] + H * grad_x[j], back = x[j] - y[j] + H * grad_y[j];
            expected += (forth * forth - back * back) / (4.0 * H);
        }
        cr_expect_float_eq(gmm_reference_exact(&f.ref_now, &f.ref_next, H, x, y), expected, 1e-11);
    }
    fixture_free(&f);
}

/* ---- kernels against the twin --------------------------------------------------------------- */

static void check_eval(const fixture *f) {
    double *U = get(f->n, sizeof *U), *plain = get(f->n, sizeof *plain);
    double *x = get(f->d, sizeof *x), *expected = get(f->d, sizeof *expected), resp[5];
    float *grad = get(f->n * f->d, sizeof *grad), share[5];
    worst energy = {0}, gradient = {0}, responsibility = {0};
    f->now->ops->eval(f->now, f->n, f->x, U, grad);
    f->now->ops->eval(f->now, f->n, f->x, plain, NULL);
    cr_expect_eq(memcmp(U, plain, f->n * sizeof *U), 0, "%s: U depends on grad", f->name);
    for (size_t i = 0; i < f->n; i++) {
        widen(f->d, f->x + i * f->d, x);
        compare(&energy, i, U[i], gmm_reference_energy(&f->ref_now, x, resp),
                slack(&f->ref_now, x));
        gmm_reference_grad_x(&f->ref_now, x, expected);
        const double allowed = slack_grad(&f->ref_now, x);
        for (size_t j = 0; j < f->d; j++) {
            compare(&gradient, i * f->d + j, grad[i * f->d + j], expected[j], allowed);
        }
        jebm_gmm_responsibilities(f->now, f->x + i * f->d, share);
        for (size_t k = 0; k < f->modes; k++) {
            compare(&responsibility, i * f->modes + k, share[k], resp[k], slack(&f->ref_now, x));
        }
    }
    expect_within(f, "U", &energy);
    expect_within(f, "grad_x U", &gradient);
    expect_within(f, "responsibilities", &responsibility);
    free(U);
    free(plain);
    free(x);
    free(expected);
    free(grad);
}

Test(gmm, energies_and_gradients_are_the_twins_in_every_isa_and_shape, .timeout = 120) {
    battery(check_eval);
}

/* g against the twin's sum over points first .. first + n, with weights unless w is NULL */
static void expect_theta_grad(const fixture *f, const char *what, size_t first, size_t n,
                              const float *w, const double *g) {
    const size_t P = f->now->nparams;
    double *expected = get(P, sizeof *expected), *size = get(P, sizeof *size);
    double *x = get(f->d, sizeof *x);
    worst error = {0};
    for (size_t i = first; i < first + n; i++) {
        const double weight = w != NULL ? w[i - first] : 1.0;
        widen(f->d, f->x + i * f->d, x);
        const double allowed = weight * slack(&f->ref_now, x);
        gmm_reference_grad_theta(&f->ref_now, x, weight, expected);
        /* what a point contributes may be wrong by this much, and its sum by 6e-8 a term */
        for (size_t k = 0; k < f->modes; k++) {
            for (size_t j = 0; j < f->d; j++) {
                const double lever = fabs(f->now->theta[k * f->d + j] - x[j]);
                size[k * f->d + j] += allowed * (1.0 + lever);
            }
        }
        for (size_t j = f->modes * f->d; j < P; j++) {
            size[j] += allowed;
        }
    }
    for (size_t j = 0; j < P; j++) {
        compare(&error, j, g[j], 1.0 + expected[j], size[j] + 1e-12);
    }
    expect_within(f, what, &error);
    free(expected);
    free(size);
    free(x);
}

/* sums are added to what is there */
static void fill_ones(size_t n, double *g) {
    for (size_t i = 0; i < n; i++) {
        g[i] = 1.0;
    }
}

static void check_theta_grad(const fixture *f) {
    const size_t P = f->now->nparams, part = f->n / 3;
    double *g = get(P, sizeof *g), *U = get(f->n, sizeof *U), sum = 0.0, size = 0.0;
    double *x = get(f->d, sizeof *x);
    fill_ones(P, g);
    f->now->ops->theta_grad(f->now, f->n, f->x, f->w, g);
    expect_theta_grad(f, "weighted theta_grad", 0, f->n, f->w, g);
    fill_ones(P, g);
    f->now->ops->theta_grad(f->now, f->n, f->x, NULL, g);
    expect_theta_grad(f, "theta_grad", 0, f->n, NULL, g);
    fill_ones(P, g);
    const double found = jebm_energy_data(f->now, f->n, f->x, g);
    expect_theta_grad(f, "data", 0, f->n, NULL, g);
    for (size_t i = 0; i < f->n; i++) {
        widen(f->d, f->x + i * f->d, x);
        sum += gmm_reference_energy(&f->ref_now, x, NULL);
        size += slack(&f->ref_now, x);
    }
    worst total = {0};
    compare(&total, 0, found, sum, size);
    expect_within(f, "data's sum of U", &total);

    jebm_ensemble e;
    cr_assert_eq(jebm_ensemble_init(&e, f->n, f->d, jebm_energy_cache_width(f->now), NULL),
                 JEBM_OK);
    uint32_t *ids = get(f->n, sizeof *ids);
    for (size_t i = 0; i < f->n; i++) {
        ids[i] = (uint32_t)i;
    }
    memcpy(e.x, f->x, f->n * f->d * sizeof *e.x);
    jebm_langevin_begin(f->now, f->n, ids, &e);
    fill_ones(P, g);
    jebm_energy_accumulate(f->now, part, f->n - part, f->w, &e, g);
    expect_theta_grad(f, "weighted accumulate", part, f->n - part, f->w, g);
    fill_ones(P, g);
    jebm_energy_accumulate(f->now, 0, f->n, NULL, &e, g);
    expect_theta_grad(f, "accumulate", 0, f->n, NULL, g);
    f->now->ops->eval(f->now, f->n, f->x, U, NULL);
    cr_expect_eq(memcmp(U, e.U, f->n * sizeof *U), 0, "%s: begin's U is not eval's", f->name);
    jebm_ensemble_free(&e);
    free(ids);
    free(g);
    free(U);
    free(x);
}

Test(gmm, theta_gradients_are_the_twins_by_every_way, .timeout = 120) {
    battery(check_theta_grad);
}

/* ---- the move ------------------------------------------------------------------------------- */

static jebm_ensemble start(const fixture *f) {
    jebm_ensemble e;
    cr_assert_eq(jebm_ensemble_init(&e, f->n, f->d, jebm_energy_cache_width(f->now), NULL),
                 JEBM_OK);
    memcpy(e.x, f->x, f->n * f->d * sizeof *e.x);
    for (uint32_t i = 0; i < f->n; i++) {
        e.logw[i] = 0.25 * i;
        jebm_langevin_begin(f->now, 1, &i, &e);
    }
    return e;
}

static jebm_move move_of(jebm_weight_rule rule) {
    return (jebm_move){.h = H,
                       .rule = rule,
                       .rng = jebm_rng_make(5, 6),
                       .lane = JEBM_LANE_NOISE + 2 * JEBM_LANE_STRIDE,
                       .step = 12345678901};
}

static double reference_change(const fixture *f, jebm_weight_rule rule, const double *x,
                               const double *y) {
    switch (rule) {
    case JEBM_WEIGHTS_EXACT:
        return gmm_reference_exact(&f->ref_now, &f->ref_next, H, x, y);
    case JEBM_WEIGHTS_RELEASED:
        return gmm_reference_released(&f->ref_now, &f->ref_next, H, y);
    case JEBM_WEIGHTS_CONTINUOUS:
        return gmm_reference_energy(&f->ref_now, y, NULL) -
               gmm_reference_energy(&f->ref_next, y, NULL);
    default:
        return 0.0;
    }
}

/* An ensemble after one move against the twin's. The weight divides squares of some 2h by 4h, so an
 * error of 6e-8 |x| in a coordinate of the way back counts sqrt(2/h) fold: 5 times. */
static void expect_moved(const fixture *f, const char *path, jebm_weight_rule rule,
                         const jebm_move *move, const jebm_ensemble *e) {
    float *noise = get(f->n * f->d, sizeof *noise);
    double *x = get(f->d, sizeof *x), *y = get(f->d, sizeof *y), *xi = get(f->d, sizeof *xi);
    double resp[5];
    worst position = {0}, energy = {0}, weight = {0}, cache = {0};
    char what[96];
    jebm_rng_normals(move->rng, move->lane, move->step, 0, f->n, f->d, (float)sqrt(2.0 * H), noise);
    for (size_t i = 0; i < f->n; i++) {
        widen(f->d, f->x + i * f->d, x);
        widen(f->d, noise + i * f->d, xi);
        gmm_reference_move(&f->ref_now, H, x, xi, y);
        const double allowed_x = slack_grad(&f->ref_now, x);
        for (size_t j = 0; j < f->d; j++) {
            compare(&position, i * f->d + j, e->x[i * f->d + j], y[j], allowed_x);
        }
        const double U = gmm_reference_energy(&f->ref_next, y, resp);
        const double allowed = slack(&f->ref_next, y) + slack(&f->ref_now, x);
        compare(&energy, i, e->U[i], U, allowed);
        compare(&weight, i, e->logw[i] - 0.25 * (double)i, reference_change(f, rule, x, y),
                5.0 * allowed);
        for (size_t k = 0; k < f->modes; k++) {
            compare(&cache, i * f->modes + k, e->cache[i * f->modes + k], resp[k], allowed);
        }
    }
    const worst *const all[] = {&position, &energy, &weight, &cache};
    const char *const names[] = {"x", "U", "A", "cache"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(what, sizeof what, "%s path, rule %d, %s", path, (int)rule, names[i]);
        expect_within(f, what, all[i]);
    }
    free(noise);
    free(x);
    free(y);
    free(xi);
}

static void check_step(const fixture *f) {
    float *scratch = get(JEBM_LANGEVIN_ROWS * f->d, sizeof *scratch);
    uint32_t *ids = get(f->n, sizeof *ids);
    for (size_t i = 0; i < f->n; i++) {
        ids[i] = (uint32_t)i;
    }
    for (int rule = JEBM_WEIGHTS_FROZEN; rule < JEBM_WEIGHTS_COUNT; rule++) {
        jebm_move move = move_of((jebm_weight_rule)rule);
        jebm_ensemble fused = start(f), general = start(f);
        jebm_langevin_step(f->now, f->next, &move, f->n, ids, &fused, scratch);
        expect_moved(f, "fused", (jebm_weight_rule)rule, &move, &fused);
        /* a clamp that never acts asks for what the fused kernel lacks */
        move.clip = 1e30;
        jebm_langevin_step(f->now, f->next, &move, f->n, ids, &general, scratch);
        expect_moved(f, "general", (jebm_weight_rule)rule, &move, &general);
        jebm_ensemble_free(&fused);
        jebm_ensemble_free(&general);
    }
    free(scratch);
    free(ids);
}

Test(gmm, a_move_and_its_weight_are_the_twins_by_either_path, .timeout = 120) {
    battery(check_step);
}

static bool same_row(const fixture *f, size_t i, const jebm_ensemble *a, const jebm_ensemble *b) {
    return memcmp(a->x + i * f->d, b->x + i * f->d, f->d * sizeof *a->x) == 0 &&
           memcmp(a->cache + i * f->modes, b->cache + i * f->modes, f->modes * sizeof *a->cache) ==
               0 &&
           memcmp(&a->U[i], &b->U[i], sizeof *a->U) == 0 &&
           memcmp(&a->logw[i], &b->logw[i], sizeof *a->logw) == 0;
}

/* two thirds of the walkers in scattered order move to the bit as they do among all in order, and
 * the other third keeps every bit */
static void check_scattered(const fixture *f) {
    uint32_t *all = get(f->n, sizeof *all), *some = get(f->n, sizeof *some);
    unsigned char *member = get(f->n, 1);
    size_t m = 0;
    for (size_t i = 0; i < f->n; i++) {
        all[i] = (uint32_t)i;
        const uint32_t id = (uint32_t)(i * 37 % f->n);
        if (i % 3 != 1 && !member[id]) {
            member[id] = 1;
            some[m++] = id;
        }
    }
    for (int rule = JEBM_WEIGHTS_FROZEN; rule < JEBM_WEIGHTS_COUNT; rule++) {
        const jebm_move move = move_of((jebm_weight_rule)rule);
        jebm_ensemble before = start(f), whole = start(f), part = start(f);
        jebm_langevin_step(f->now, f->next, &move, f->n, all, &whole, NULL);
        jebm_langevin_step(f->now, f->next, &move, m, some, &part, NULL);
        for (size_t i = 0; i < f->n; i++) {
            cr_expect(same_row(f, i, &part, member[i] ? &whole : &before),
                      "%s, rule %d: walker %zu, which %s", f->name, rule, i,
                      member[i] ? "moves, differs from the same among all" : "rests, was touched");
        }
        jebm_ensemble_free(&before);
        jebm_ensemble_free(&whole);
        jebm_ensemble_free(&part);
    }
    free(all);
    free(some);
    free(member);
}

Test(gmm, scattered_walkers_move_as_contiguous_ones_and_touch_no_other, .timeout = 120) {
    battery(check_scattered);
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* log-sum-exp in long double, in the same precision-exact parameters */
static long double energy_long(const gmm_reference *m, const float *x, size_t d) {
    long double least = INFINITY, sum = 0, energy[8];
    for (size_t k = 0; k < m->modes; k++) {
        energy[k] = gmm_reference_z(m, k);
        for (size_t j = 0; j < d; j++) {
            const long double t = (long double)x[j] - m->theta[k * d + j];
            energy[k] += t * t / 2;
        }
        least = fminl(least, energy[k]);
    }
    for (size_t k = 0; k < m->modes; k++) {
        sum += expl(least - energy[k]);
    }
    return least - logl(sum);
}

Test(gmm, modes_hundreds_apart_give_finite_and_right_energies) {
    enum { D = 50 };
    jebm_energy *e = mixture(D, 2);
    const gmm_reference m = reference_of(e);
    static const double places[] = {-400, -399, -1, 0, 0.001, 1, 250, 400, 401, 5000};
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (double z = -700.0; z <= 700.0; z += 350.0) {
            e->theta[0] = -400.0;
            e->theta[D] = 400.0;
            e->theta[2 * D] = z;
            set_rounded(e);
            for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
                float x[D], grad[D], resp[2];
                double U = NAN;
                for (size_t j = 0; j < D; j++) {
                    x[j] = j == 0 ? (float)places[i] : 0.5f;
                }
                e->ops->eval(e, 1, x, &U, grad);
                jebm_gmm_responsibilities(e, x, resp);
                const double expected = (double)energy_long(&m, x, D);
                cr_expect_float_eq(U, expected, 5e-7 * (1.0 + fabs(expected) + fabs(z)),
                                   "%s, z %g, x %g: U %.9g, expected %.9g", isa_names[isa], z,
                                   places[i], U, expected);
                cr_expect_float_eq(resp[0] + resp[1], 1.0, 1e-6);
                for (size_t j = 0; j < D; j++) {
                    cr_expect(isfinite(grad[j]));
                }
            }
        }
    }
    jebm_energy_free(e);
}

Test(gmm, log_z_and_masses_are_the_formulas_also_for_extreme_z) {
    static const double zs[][3] = {{0, 0, 0},      {1, -1, 0.5},     {700, 700, 700}, {-700, 0, 0},
                                   {-700, 700, 0}, {-700, -700, -1}, {690, -3, 700}};
    jebm_energy *e = mixture(7, 4);
    const gmm_reference m = reference_of(e);
    for (size_t i = 0; i < sizeof zs / sizeof *zs; i++) {
        double mass[4], sum = 0.0;
        memcpy(e->theta + 28, zs[i], sizeof zs[i]);
        e->ops->refresh(e);
        const double log_z = e->ops->log_z(e);
        cr_expect_float_eq(log_z, gmm_reference_log_z(&m), 1e-12 * (1.0 + fabs(log_z)));
        jebm_gmm_masses(e, mass);
        for (size_t k = 0; k < 4; k++) {
            const double expected = exp(3.5 * log(2.0 * M_PI) - gmm_reference_z(&m, k) - log_z);
            cr_expect_float_eq(mass[k], expected, 1e-12, "z %zu, mode %zu", i, k);
            sum += mass[k];
        }
        cr_expect_float_eq(sum, 1.0, 1e-13, "masses sum to %.17g", sum);
    }
    jebm_energy_free(e);
}

static double density_1(double x, void *energy) {
    const jebm_energy *e = energy;
    const float point = (float)x;
    double U;
    e->ops->eval(e, 1, &point, &U, NULL);
    return exp(-U);
}

/* Gauss-Legendre over [-14, 14]^2, 120 nodes a side; beyond, less than 1e-20 */
static double integral_2(const jebm_energy *e) {
    enum { NODES = 120 };
    gsl_integration_glfixed_table *table = gsl_integration_glfixed_table_alloc(NODES);
    double sum = 0.0;
    for (size_t i = 0; i < NODES; i++) {
        double x, y, wx, wy, U[NODES], row[NODES];
        float points[2 * NODES];
        gsl_integration_glfixed_point(-14, 14, i, &x, &wx, table);
        for (size_t j = 0; j < NODES; j++) {
            gsl_integration_glfixed_point(-14, 14, j, &y, &wy, table);
            points[2 * j] = (float)x;
            points[2 * j + 1] = (float)y;
            row[j] = wx * wy;
        }
        e->ops->eval(e, NODES, points, U, NULL);
        for (size_t j = 0; j < NODES; j++) {
            sum += row[j] * exp(-U[j]);
        }
    }
    gsl_integration_glfixed_table_free(table);
    return sum;
}

/* U is known to 6e-8 of its size, so the integral to some 1e-6 */
Test(gmm, log_z_is_the_integral_of_exp_minus_u) {
    for (size_t d = 1; d <= 2; d++) {
        for (size_t modes = 1; modes <= 5; modes++) {
            fixture f = fixture_new(d, modes, 1, JEBM_ISA_BASELINE);
            double integral = 0.0;
            if (d == 1) {
                gsl_integration_glfixed_table *table = gsl_integration_glfixed_table_alloc(200);
                const gsl_function density = {density_1, f.now};
                integral = gsl_integration_glfixed(&density, -14, 14, table);
                gsl_integration_glfixed_table_free(table);
            } else {
                integral = integral_2(f.now);
            }
            const double log_z = f.now->ops->log_z(f.now);
            cr_expect_float_eq(log(integral), log_z, 2e-6, "d %zu, K %zu: %.9g, formula %.9g", d,
                               modes, log(integral), log_z);
            fixture_free(&f);
        }
    }
}

/* Modes 0, 1, ... become modes order[0], order[1], ...: with z measured from the new first mode,
 * U falls by that mode's old z, and the gradients change places; that in z of the old first mode,
 * which had none, is 1 minus the others' (the responsibilities sum to 1). */
Test(gmm, relabelling_the_modes_shifts_u_and_permutes_the_gradients) {
    enum { D = 17, K = 5, N = 40 };
    static const size_t order[K] = {3, 0, 4, 1, 2};
    fixture f = fixture_new(D, K, N, JEBM_ISA_BASELINE);
    jebm_energy *twin = mixture(D, K);
    const double shift = gmm_reference_z(&f.ref_now, order[0]);
    for (size_t k = 0; k < K; k++) {
        memcpy(twin->theta + k * D, f.now->theta + order[k] * D, D * sizeof *twin->theta);
        if (k > 0) {
            twin->theta[K * D + k - 1] = gmm_reference_z(&f.ref_now, order[k]) - shift;
        }
    }
    twin->ops->refresh(twin);
    double U[N], U_twin[N], g[K * D + K - 1] = {0}, g_twin[K * D + K - 1] = {0};
    float grad[N * D], grad_twin[N * D];
    f.now->ops->eval(f.now, N, f.x, U, grad);
    twin->ops->eval(twin, N, f.x, U_twin, grad_twin);
    for (size_t i = 0; i < N; i++) {
        cr_expect_float_eq(U_twin[i], U[i] - shift, 1e-5, "walker %zu", i);
    }
    for (size_t i = 0; i < N * D; i++) {
        cr_expect_float_eq(grad_twin[i], grad[i], 1e-5, "coordinate %zu", i);
    }
    f.now->ops->theta_grad(f.now, N, f.x, NULL, g);
    twin->ops->theta_grad(twin, N, f.x, NULL, g_twin);
    double first = N;
    for (size_t k = 1; k < K; k++) {
        first -= g[K * D + k - 1];
    }
    for (size_t k = 0; k < K; k++) {
        for (size_t j = 0; j < D; j++) {
            cr_expect_float_eq(g_twin[k * D + j], g[order[k] * D + j], 1e-4, "mode %zu", k);
        }
        if (k > 0) {
            const double old = order[k] == 0 ? first : g[K * D + order[k] - 1];
            cr_expect_float_eq(g_twin[K * D + k - 1], old, 1e-4, "z of mode %zu", k);
        }
    }
    jebm_energy_free(twin);
    fixture_free(&f);
}

/* ---- samples -------------------------------------------------------------------------------- */

/* three modes too far apart for a sample to be taken for another mode's */
static jebm_energy *separate(size_t d) {
    jebm_energy *e = mixture(d, 3);
    for (size_t k = 0; k < 3; k++) {
        e->theta[k * d] = 100.0 * (double)k;
    }
    e->theta[3 * d] = -log(2.0);
    e->theta[3 * d + 1] = -log(5.0);
    e->ops->refresh(e);
    return e;
}

static size_t mode_at(float first) {
    return first < 50.0f ? 0 : first < 150.0f ? 1 : 2;
}

/* bounds of 4.5 standard errors: a false alarm in 1.5e5 of each of some 33 comparisons */
Test(gmm, samples_have_the_modes_masses_means_and_variances) {
    enum { D = 5, N = 60000 };
    jebm_energy *e = separate(D);
    double mass[3], count[3] = {0}, sum[3][D] = {{0}}, sum_2[3][D] = {{0}};
    float *x = get(N * D, sizeof *x), *again = get(N * D, sizeof *again);
    jebm_gmm_masses(e, mass);
    cr_expect_float_eq(mass[0], 0.125, 1e-12);
    e->ops->sample(e, jebm_rng_make(1, 2), false, N, 0, N, x);
    for (size_t i = 0; i < N; i++) {
        const size_t k = mode_at(x[i * D]);
        count[k] += 1.0;
        for (size_t j = 0; j < D; j++) {
            const double t = x[i * D + j] - e->theta[k * D + j];
            sum[k][j] += t;
            sum_2[k][j] += t * t;
        }
    }
    for (size_t k = 0; k < 3; k++) {
        const double se = sqrt(N * mass[k] * (1.0 - mass[k]));
        cr_expect_leq(fabs(count[k] - N * mass[k]), 4.5 * se, "mode %zu: %g of %d", k, count[k], N);
        for (size_t j = 0; j < D; j++) {
            cr_expect_leq(fabs(sum[k][j]), 4.5 * sqrt(count[k]), "mean of mode %zu", k);
            /* the square of a normal has variance 2 */
            cr_expect_leq(fabs(sum_2[k][j] - count[k]), 4.5 * sqrt(2.0 * count[k]),
                          "variance of mode %zu: %g", k, sum_2[k][j] / count[k]);
        }
    }
    /* sample i is the same in whatever pieces they are drawn */
    e->ops->sample(e, jebm_rng_make(1, 2), false, N, 0, 1001, again);
    e->ops->sample(e, jebm_rng_make(1, 2), false, N, 1001, N - 1001, again + 1001 * D);
    cr_expect_eq(memcmp(x, again, N * D * sizeof *x), 0);
    free(x);
    free(again);
    jebm_energy_free(e);
}

Test(gmm, split_samples_come_in_order_and_in_exact_shares) {
    static const size_t totals[] = {1, 7, 8, 16, 1000, 1003};
    jebm_energy *e = separate(3);
    for (size_t t = 0; t < sizeof totals / sizeof *totals; t++) {
        const size_t n = totals[t];
        float *x = get(n * 3, sizeof *x);
        size_t count[3] = {0}, last = 0;
        e->ops->sample(e, jebm_rng_make(1, 2), true, n, 0, n, x);
        for (size_t i = 0; i < n; i++) {
            const size_t k = mode_at(x[i * 3]);
            cr_expect_geq(k, last, "mode %zu after %zu", k, last);
            last = k;
            count[k]++;
        }
        cr_expect_eq(count[0], n / 8, "%zu of %zu", count[0], n);
        cr_expect_eq(count[1], n / 4, "%zu of %zu", count[1], n);
        free(x);
    }
    jebm_energy_free(e);
}

/* p* = 0.25 of 10000 is 2500, whatever rounding makes of exp(-log 3) */
Test(gmm, exact_shares_do_not_lose_a_sample_to_rounding) {
    static const double ps[] = {0.1, 0.2, 0.25, 0.3, 0.5, 0.6, 0.7, 0.75, 0.9};
    for (size_t d = 1; d <= 50; d += 7) {
        jebm_energy *e = mixture(d, 2);
        e->theta[0] = -100.0;
        e->theta[d] = 100.0;
        for (size_t i = 0; i < sizeof ps / sizeof *ps; i++) {
            enum { N = 1000 };
            float *x = get(N * d, sizeof *x);
            size_t count = 0;
            e->theta[2 * d] = log(ps[i] / (1.0 - ps[i]));
            e->ops->refresh(e);
            e->ops->sample(e, jebm_rng_make(1, 2), true, N, 0, N, x);
            for (size_t j = 0; j < N; j++) {
                count += x[j * d] < 0.0f;
            }
            cr_expect_eq(count, (size_t)lround(N * ps[i]), "d %zu, p %g: %zu of %d", d, ps[i],
                         count, N);
            free(x);
        }
        jebm_energy_free(e);
    }
}

/* ---- life cycle ----------------------------------------------------------------------------- */

Test(gmm, a_copy_is_equal_and_independent) {
    fixture f = fixture_new(33, 3, 20, JEBM_ISA_BASELINE);
    double U[20], U_copy[20], U_after[20];
    jebm_energy *copy = f.now->ops->copy(f.now);
    cr_assert_not_null(copy);
    f.now->ops->eval(f.now, 20, f.x, U, NULL);
    copy->ops->eval(copy, 20, f.x, U_copy, NULL);
    cr_expect_eq(memcmp(U, U_copy, sizeof U), 0);
    jebm_energy_set(copy, f.next->theta);
    f.now->ops->eval(f.now, 20, f.x, U_after, NULL);
    cr_expect_eq(memcmp(U, U_after, sizeof U), 0, "the copy shares parameters");
    copy->ops->eval(copy, 20, f.x, U_copy, NULL);
    f.next->ops->eval(f.next, 20, f.x, U_after, NULL);
    cr_expect_eq(memcmp(U_copy, U_after, sizeof U), 0, "jebm_energy_set() does not refresh");
    jebm_energy_free(copy);
    jebm_energy_free(NULL);
    fixture_free(&f);
}

Test(gmm, groups_name_every_parameter_once) {
    jebm_energy *e = mixture(6, 3);
    cr_expect_eq(e->nparams, 20);
    cr_expect_eq(e->ngroups, 2);
    cr_expect_str_eq(e->groups[0].name, "means");
    cr_expect(e->groups[0].first == 0 && e->groups[0].count == 18);
    cr_expect_str_eq(e->groups[1].name, "z");
    cr_expect(e->groups[1].first == 18 && e->groups[1].count == 2);
    jebm_energy_free(e);
}

Test(gmm, shapes_beyond_the_limits_are_refused) {
    static const size_t shapes[][2] = {
        {0, 2}, {2, 0}, {JEBM_GMM_MAX_D + 1, 2}, {2, JEBM_GMM_MAX_MODES + 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        jebm_error err = {0};
        jebm_energy *e = NULL;
        cr_expect_eq(jebm_gmm_new(shapes[i][0], shapes[i][1], &e, &err), JEBM_EINVAL);
        cr_expect_null(e);
        cr_expect_not_null(strstr(err.text, "1 to 4096 dimensions and 1 to 64 modes"), "%s",
                           err.text);
    }
    jebm_energy *e = mixture(JEBM_GMM_MAX_D, JEBM_GMM_MAX_MODES);
    jebm_energy_free(e);
}
