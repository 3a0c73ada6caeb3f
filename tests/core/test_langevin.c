/* The Jarzynski identity (7) on protocols that are prescribed, where it is exact for any h:
 *
 *   log Z_K = log Z_0 + log E[exp A_K],    E_K[f] = E[f(X_K) exp A_K] / E[exp A_K]
 *
 * Standard errors by the delta method. With w_i = exp A_i independent over walkers, log mean w has
 * variance var(w) / (N mean(w)^2) = (1/ESS - 1) / N, ESS being eq. (13); and the weighted mean of
 * f, a ratio of two means, has variance sum p_i^2 (f_i - mean)^2, p_i the normalised weights. Every
 * bound is 4.5 of them (false alarm 7e-6 a comparison, some 200 comparisons, seeds fixed).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/langevin.h"

#include "core/batch.h"
#include "core/isa.h"
#include "energy/gmm.h"
#include "gmm_reference.h"
#include "quartic.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS 4.5
/* asks for the general path and clamps nothing */
#define NO_CLIP 1e30

static void *get(size_t n, size_t size) {
    void *p = calloc(n + 1, size);
    cr_assert_not_null(p);
    return p;
}

/* ---- estimates ------------------------------------------------------------------------------ */

typedef struct estimate {
    double value, se;
} estimate;

static estimate estimate_log_z(const jebm_ensemble *e, double log_z_0) {
    jebm_weight_stats s;
    cr_assert_eq(jebm_weight_stats_of(e->n, e->logw, &s), JEBM_OK);
    return (estimate){log_z_0 + s.log_mean_exp, sqrt((1.0 / s.ess - 1.0) / (double)e->n)};
}

/* weighted mean of f[n], or the plain mean */
static estimate estimate_mean(const jebm_ensemble *e, const double *f, bool weighted) {
    double *p = get(e->n, sizeof *p), mean = 0.0, variance = 0.0;
    if (weighted) {
        cr_assert_eq(jebm_weights_normalise(e->n, e->logw, p), JEBM_OK);
    }
    for (size_t i = 0; i < e->n; i++) {
        p[i] = weighted ? p[i] : 1.0 / (double)e->n;
        mean += p[i] * f[i];
    }
    for (size_t i = 0; i < e->n; i++) {
        variance += p[i] * p[i] * (f[i] - mean) * (f[i] - mean);
    }
    free(p);
    return (estimate){mean, sqrt(variance)};
}

static double errors_off(estimate e, double truth) {
    return fabs(e.value - truth) / (e.se + 1e-12);
}

static void expect_estimate(const char *where, const char *what, estimate e, double truth) {
    cr_expect(errors_off(e, truth) <= ERRORS, "%s, %s: %.6g +- %.2g, exact %.6g: %.1f errors off",
              where, what, e.value, e.se, truth, errors_off(e, truth));
}

/* ---- a mixture on a line of parameters ------------------------------------------------------ */

typedef struct protocol {
    size_t d, n, steps;
    double h, clip, reach; /* reach: how far the means move in their first coordinate */
    size_t batch; /* walkers that move in a step; 0: all */
    jebm_weight_rule rule;
} protocol;

/* two modes that overlap; t from 0 to 1 moves them apart, and mass from one to the other */
static void set_mixture(const protocol *c, double t, jebm_energy *e) {
    const size_t d = c->d;
    memset(e->theta, 0, e->nparams * sizeof *e->theta);
    e->theta[0] = -0.5 - c->reach * t;
    e->theta[d] = 0.5 + 0.5 * c->reach * t;
    e->theta[d - 1] += 0.3 * t;
    e->theta[2 * d] = 0.4 - 1.2 * t;
    for (size_t i = 0; i < e->nparams; i++) {
        e->theta[i] = (float)e->theta[i];
    }
    e->ops->refresh(e);
}

typedef struct bench {
    jebm_energy *now, *next;
    jebm_ensemble e;
    uint32_t *ids;
    float *scratch;
} bench;

static bench bench_new(jebm_energy *now, size_t n) {
    bench b = {.now = now, .next = now->ops->copy(now)};
    cr_assert_not_null(b.next);
    cr_assert_eq(jebm_ensemble_init(&b.e, n, now->d, jebm_energy_cache_width(now), NULL), JEBM_OK);
    b.ids = get(n, sizeof *b.ids);
    b.scratch = get(JEBM_LANGEVIN_ROWS * now->d, sizeof *b.scratch);
    for (size_t i = 0; i < n; i++) {
        b.ids[i] = (uint32_t)i;
    }
    return b;
}

static void bench_free(bench *b) {
    jebm_energy_free(b->now);
    jebm_energy_free(b->next);
    jebm_ensemble_free(&b->e);
    free(b->ids);
    free(b->scratch);
}

/* one step of a protocol from b->now to b->next; then they change places */
static void bench_step(bench *b, const protocol *c, uint64_t k) {
    const jebm_move move = {.h = c->h,
                            .rule = c->rule,
                            .clip = c->clip,
                            .rng = jebm_rng_make(11, c->d),
                            .lane = JEBM_LANE_NOISE,
                            .step = k};
    size_t movers = b->e.n;
    if (c->batch > 0) {
        const jebm_shuffle shuffle = jebm_shuffle_make(move.rng, k, (uint32_t)b->e.n);
        movers = c->batch;
        for (uint32_t i = 0; i < b->e.n; i++) {
            b->ids[i] = jebm_shuffle_at(&shuffle, i);
        }
    }
    jebm_langevin_step(b->now, b->next, &move, movers, b->ids, &b->e, b->scratch);
    jebm_langevin_frozen(b->next, c->rule, b->e.n - movers, b->ids + movers, &b->e);
    jebm_energy *old = b->now;
    b->now = b->next;
    b->next = old;
}

/* the walkers after a protocol that started from exact samples */
static bench run(const protocol *c) {
    jebm_energy *e = NULL;
    cr_assert_eq(jebm_gmm_new(c->d, 2, &e, NULL), JEBM_OK);
    set_mixture(c, 0.0, e);
    bench b = bench_new(e, c->n);
    e->ops->sample(e, jebm_rng_make(12, c->d), false, c->n, 0, c->n, b.e.x);
    jebm_langevin_begin(e, c->n, b.ids, &b.e);
    for (size_t k = 0; k < c->steps; k++) {
        set_mixture(c, (double)(k + 1) / (double)c->steps, b.next);
        bench_step(&b, c, k);
    }
    return b;
}

static double log_z_at_start(const protocol *c) {
    jebm_energy *e = NULL;
    cr_assert_eq(jebm_gmm_new(c->d, 2, &e, NULL), JEBM_OK);
    set_mixture(c, 0.0, e);
    const double log_z = e->ops->log_z(e);
    jebm_energy_free(e);
    return log_z;
}

/* first coordinates, their squares and the responsibility of mode b: what is estimated, and truths
 */
enum { FIRST, FIRST_SQUARED, MODE_B, QUANTITIES };
static const char *const quantity_names[] = {"mean", "second moment", "mass of b"};

static double quantity(const bench *b, const gmm_reference *m, size_t i, int which) {
    const float *row = b->e.x + i * b->e.d;
    if (which < MODE_B) {
        return which == FIRST ? row[0] : (double)row[0] * row[0];
    }
    double x[64], resp[2];
    for (size_t j = 0; j < b->e.d; j++) {
        x[j] = row[j];
    }
    gmm_reference_energy(m, x, resp);
    return resp[1];
}

static double truth(const gmm_reference *m, int which) {
    const double q = 1.0 / (1.0 + exp(gmm_reference_z(m, 1)));
    const double a = m->theta[0], b = m->theta[m->d];
    const double values[QUANTITIES] = {(1.0 - q) * a + q * b, 1.0 + (1.0 - q) * a * a + q * b * b,
                                       q};
    return values[which];
}

static void expect_identity(const char *what, const protocol *c) {
    char where[128];
    snprintf(where, sizeof where, "%s: d %zu, N %zu, %zu steps, h %g, clip %g, batch %zu, %s", what,
             c->d, c->n, c->steps, c->h, c->clip, c->batch, jebm_isa_name());
    bench b = run(c);
    const gmm_reference m = {c->d, 2, b.now->theta};
    double *f = get(c->n, sizeof *f);
    expect_estimate(where, "log Z", estimate_log_z(&b.e, log_z_at_start(c)),
                    gmm_reference_log_z(&m));
    for (int which = 0; which < QUANTITIES; which++) {
        for (size_t i = 0; i < c->n; i++) {
            f[i] = quantity(&b, &m, i, which);
        }
        expect_estimate(where, quantity_names[which], estimate_mean(&b.e, f, true),
                        truth(&m, which));
    }
    /* the bound must be able to tell: an ESS of 1/N would pass anything */
    jebm_weight_stats s;
    jebm_weight_stats_of(c->n, b.e.logw, &s);
    cr_expect_gt(s.ess, 0.01, "%s: ESS %g", where, s.ess);
    free(f);
    bench_free(&b);
}

static const protocol protocols[] = {
    {.d = 1, .n = 20000, .steps = 40, .h = 0.1, .reach = 2.0},
    {.d = 1, .n = 20000, .steps = 5, .h = 0.5, .reach = 1.0},
    {.d = 2, .n = 20000, .steps = 60, .h = 0.02, .reach = 1.0},
    {.d = 3, .n = 20000, .steps = 30, .h = 0.5, .reach = 1.5},
    {.d = 7, .n = 10000, .steps = 20, .h = 0.3, .reach = 1.0},
    {.d = 17, .n = 10000, .steps = 20, .h = 0.25, .reach = 1.0},
    {.d = 50, .n = 8000, .steps = 20, .h = 0.1, .reach = 1.0},
};
#define PROTOCOLS (sizeof protocols / sizeof *protocols)

Test(langevin, identity_holds_for_the_fused_path_in_every_isa, .timeout = 120) {
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        for (size_t i = 0; i < PROTOCOLS; i++) {
            protocol c = protocols[i];
            c.rule = JEBM_WEIGHTS_EXACT;
            expect_identity("fused", &c);
        }
    }
}

Test(langevin, identity_holds_for_the_general_path, .timeout = 120) {
    for (size_t i = 0; i < PROTOCOLS; i++) {
        protocol c = protocols[i];
        c.n = c.d < 7 ? c.n / 2 : 2500;
        c.rule = JEBM_WEIGHTS_EXACT;
        c.clip = NO_CLIP;
        expect_identity("general", &c);
    }
}

Test(langevin, identity_holds_for_a_clipped_drift, .timeout = 120) {
    static const double clips[] = {1.0, 1.5, 3.0};
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < sizeof clips / sizeof *clips; k++) {
            protocol c = protocols[i];
            c.n = 8000;
            c.steps = c.steps < 8 ? c.steps : 8;
            c.rule = JEBM_WEIGHTS_EXACT;
            c.clip = clips[k];
            expect_identity("clipped", &c);
        }
    }
}

Test(langevin, identity_holds_for_mini_batches, .timeout = 120) {
    for (size_t i = 0; i < 5; i++) {
        protocol c = protocols[i];
        c.rule = JEBM_WEIGHTS_EXACT;
        c.batch = c.n / 4 + 1;
        expect_identity("mini-batch", &c);
        c.n = 4000;
        c.batch = 999;
        c.clip = NO_CLIP;
        expect_identity("mini-batch, general", &c);
    }
}

/* The identity holds for any normalised density in place of q_{k+1}(x|y), so it cannot tell whether
 * the way back is clipped too; the formula can. Single precision in y and the gradients: 1e-5. */
Test(langevin, a_clipped_move_weighs_both_ways_with_the_clipped_drift) {
    enum { WALKERS = 200 };
    const protocol c = {.d = 3, .h = 0.2, .reach = 2.0};
    const double clip = 0.7;
    jebm_energy *e = NULL;
    cr_assert_eq(jebm_gmm_new(3, 2, &e, NULL), JEBM_OK);
    set_mixture(&c, 0.0, e);
    bench b = bench_new(e, WALKERS);
    set_mixture(&c, 1.0, b.next);
    const gmm_reference now = {3, 2, b.now->theta}, next = {3, 2, b.next->theta};
    const jebm_move move = {.h = c.h,
                            .rule = JEBM_WEIGHTS_EXACT,
                            .clip = clip,
                            .rng = jebm_rng_make(21, 0),
                            .lane = JEBM_LANE_NOISE};
    float x[WALKERS * 3], noise[WALKERS * 3];
    e->ops->sample(e, jebm_rng_make(22, 0), false, WALKERS, 0, WALKERS, b.e.x);
    memcpy(x, b.e.x, sizeof x);
    jebm_rng_normals(move.rng, move.lane, 0, 0, WALKERS, 3, (float)sqrt(2.0 * c.h), noise);
    jebm_langevin_begin(e, WALKERS, b.ids, &b.e);
    jebm_langevin_step(b.now, b.next, &move, WALKERS, b.ids, &b.e, b.scratch);
    for (size_t i = 0; i < WALKERS; i++) {
        double from[3], to[3], grad_x[3], grad_y[3], sum = 0.0;
        for (size_t j = 0; j < 3; j++) {
            from[j] = x[i * 3 + j];
        }
        gmm_reference_grad_x(&now, from, grad_x);
        for (size_t j = 0; j < 3; j++) {
            to[j] = from[j] - c.h * fmax(-clip, fmin(clip, grad_x[j])) + noise[i * 3 + j];
            cr_expect_float_eq(b.e.x[i * 3 + j], to[j], 1e-6, "walker %zu", i);
        }
        gmm_reference_grad_x(&next, to, grad_y);
        for (size_t j = 0; j < 3; j++) {
            const double back = from[j] - to[j] + c.h * fmax(-clip, fmin(clip, grad_y[j]));
            sum += back * back - (double)noise[i * 3 + j] * noise[i * 3 + j];
        }
        const double A = gmm_reference_energy(&now, from, NULL) -
                         gmm_reference_energy(&next, to, NULL) - sum / (4.0 * c.h);
        cr_expect_float_eq(b.e.logw[i], A, 1e-5, "walker %zu: A %.9g, expected %.9g", i,
                           b.e.logw[i], A);
    }
    bench_free(&b);
}

/* ---- what the weights are for --------------------------------------------------------------- */

/* One normal mode at rest. ULA is then X' = (1-h) X + sqrt(2h) xi, whose variance v tends to the
 * root of v = (1-h)^2 v + 2h, that is 1/(1-h/2): 4/3 for h = 1/2, and after 30 steps from 1 it is
 * there to (1-h)^60 = 1e-18. The weights take the excess away, the released ones and those of
 * Proposition 2 do not: they are 1 while theta rests. */
Test(langevin, weights_remove_the_bias_that_a_large_step_leaves) {
    const protocol c = {.n = 40000, .h = 0.5, .steps = 30};
    for (int rule = JEBM_WEIGHTS_EXACT; rule < JEBM_WEIGHTS_COUNT; rule++) {
        for (int general = 0; general < 2; general++) {
            protocol at_rest = c;
            at_rest.rule = (jebm_weight_rule)rule;
            at_rest.clip = general ? NO_CLIP : 0.0;
            jebm_energy *e = NULL;
            cr_assert_eq(jebm_gmm_new(2, 1, &e, NULL), JEBM_OK);
            bench b = bench_new(e, c.n);
            double *f = get(c.n, sizeof *f);
            e->ops->sample(e, jebm_rng_make(3, 0), false, c.n, 0, c.n, b.e.x);
            jebm_langevin_begin(e, c.n, b.ids, &b.e);
            for (size_t k = 0; k < c.steps; k++) {
                bench_step(&b, &at_rest, k);
            }
            for (size_t i = 0; i < c.n; i++) {
                f[i] = (double)b.e.x[2 * i] * b.e.x[2 * i];
            }
            const estimate plain = estimate_mean(&b.e, f, false);
            const estimate weighted = estimate_mean(&b.e, f, true);
            expect_estimate("ULA's own variance", "plain", plain, 1.0 / (1.0 - 0.5 * c.h));
            cr_expect_gt(errors_off(plain, 1.0), 20.0);
            if (rule == JEBM_WEIGHTS_EXACT) {
                expect_estimate("at rest", "weighted variance", weighted, 1.0);
                expect_estimate("at rest", "log Z", estimate_log_z(&b.e, log(2.0 * M_PI)),
                                log(2.0 * M_PI));
            } else {
                cr_expect_gt(errors_off(weighted, 1.0), 20.0, "rule %d corrected ULA: %g +- %g",
                             rule, weighted.value, weighted.se);
            }
            free(f);
            bench_free(&b);
        }
    }
}

/* so that the tests above are known to discriminate: the same protocols with the other rule */
Test(langevin, released_weights_miss_log_z_by_many_errors_at_a_large_step) {
    const protocol c = {
        .d = 3, .n = 20000, .steps = 10, .h = 0.5, .reach = 3.0, .rule = JEBM_WEIGHTS_RELEASED};
    protocol exact = c;
    exact.rule = JEBM_WEIGHTS_EXACT;
    expect_identity("large step", &exact);
    bench b = run(&c);
    const gmm_reference m = {c.d, 2, b.now->theta};
    const estimate log_z = estimate_log_z(&b.e, log_z_at_start(&c));
    cr_expect_gt(errors_off(log_z, gmm_reference_log_z(&m)), 10.0, "%g +- %g against %g",
                 log_z.value, log_z.se, gmm_reference_log_z(&m));
    bench_free(&b);
}

/* ---- an energy without a kernel ------------------------------------------------------------- */

static void expect_quartic(double end, double h, size_t steps, double clip, size_t batch) {
    const protocol c = {
        .d = 1, .n = 20000, .h = h, .clip = clip, .batch = batch, .rule = JEBM_WEIGHTS_EXACT};
    char where[96];
    snprintf(where, sizeof where, "quartic: theta %g, h %g, %zu steps, clip %g, batch %zu", end, h,
             steps, clip, batch);
    bench b = bench_new(quartic_new(&quartic_sampling_ops, 0.0), c.n);
    double *f = get(c.n, sizeof *f);
    cr_assert_eq(b.e.cache_width, 1, "without a cache of its own the gradient is kept");
    b.now->ops->sample(b.now, jebm_rng_make(13, 0), false, c.n, 0, c.n, b.e.x);
    jebm_langevin_begin(b.now, c.n, b.ids, &b.e);
    for (size_t k = 0; k < steps; k++) {
        b.next->theta[0] = end * (double)(k + 1) / (double)steps;
        bench_step(&b, &c, k);
    }
    const double Z = quartic_integral(end, 0);
    expect_estimate(where, "log Z", estimate_log_z(&b.e, 0.5 * log(2.0 * M_PI)), log(Z));
    for (int power = 1; power <= 4; power++) {
        for (size_t i = 0; i < c.n; i++) {
            f[i] = pow(b.e.x[i], power);
        }
        expect_estimate(where, "moment", estimate_mean(&b.e, f, true),
                        quartic_integral(end, power) / Z);
    }
    free(f);
    bench_free(&b);
}

Test(langevin, identity_holds_for_an_energy_with_the_required_members_only) {
    expect_quartic(1.0, 0.05, 30, 0.0, 0);
    expect_quartic(2.0, 0.02, 60, 0.0, 5000);
    expect_quartic(1.0, 0.2, 20, 3.0, 0);
    expect_quartic(0.5, 0.4, 10, 1.0, 10000);
}

/* ---- small things --------------------------------------------------------------------------- */

/* Algorithm 2, line 14 */
Test(langevin, frozen_walkers_stay_and_gain_the_fall_of_their_energy) {
    const protocol c = {.d = 5, .reach = 1.0};
    for (int rule = JEBM_WEIGHTS_FROZEN; rule < JEBM_WEIGHTS_COUNT; rule++) {
        jebm_energy *e = NULL;
        cr_assert_eq(jebm_gmm_new(5, 2, &e, NULL), JEBM_OK);
        set_mixture(&c, 0.0, e);
        bench b = bench_new(e, 40);
        set_mixture(&c, 1.0, b.next);
        float before[40 * 5], cache[40 * 2];
        double now[40], next[40];
        e->ops->sample(e, jebm_rng_make(1, 1), false, 40, 0, 40, b.e.x);
        memcpy(before, b.e.x, sizeof before);
        e->ops->eval(e, 40, b.e.x, now, NULL);
        e->ops->eval(b.next, 40, b.e.x, next, NULL);
        jebm_langevin_begin(e, 40, b.ids, &b.e);
        jebm_langevin_frozen(b.next, (jebm_weight_rule)rule, 40, b.ids, &b.e);
        cr_expect_eq(memcmp(before, b.e.x, sizeof before), 0, "a frozen walker moved");
        memcpy(cache, b.e.cache, sizeof cache);
        jebm_langevin_begin(b.next, 40, b.ids, &b.e);
        cr_expect_eq(memcmp(cache, b.e.cache, sizeof cache), 0, "the cache is not that of next");
        for (size_t i = 0; i < 40; i++) {
            const double gain = rule == JEBM_WEIGHTS_FROZEN ? 0.0 : now[i] - next[i];
            cr_expect_float_eq(b.e.logw[i], gain, 1e-12, "rule %d, walker %zu", rule, i);
            cr_expect_float_eq(b.e.U[i], next[i], 1e-12);
        }
        bench_free(&b);
    }
}

/* a walker's noise is its own: its number, lane and step decide it, and nothing else */
Test(langevin, noise_is_addressed_by_walker_lane_and_step) {
    const protocol c = {.d = 3, .n = 64, .steps = 1, .h = 0.1, .reach = 0.0};
    bench a = run(&c), b = run(&c);
    cr_expect_eq(memcmp(a.e.x, b.e.x, 64 * 3 * sizeof(float)), 0);
    jebm_move move = {.h = 0.1, .rng = jebm_rng_make(1, 2), .lane = JEBM_LANE_NOISE, .step = 7};
    jebm_langevin_step(a.now, a.now, &move, 64, a.ids, &a.e, a.scratch);
    const jebm_move changes[] = {
        {.h = 0.1, .rng = jebm_rng_make(1, 3), .lane = JEBM_LANE_NOISE, .step = 7},
        {.h = 0.1, .rng = jebm_rng_make(1, 2), .lane = JEBM_LANE_STRIDE, .step = 7},
        {.h = 0.1, .rng = jebm_rng_make(1, 2), .lane = JEBM_LANE_NOISE, .step = 8},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        bench other = run(&c);
        jebm_langevin_step(other.now, other.now, &changes[i], 64, other.ids, &other.e,
                           other.scratch);
        for (size_t j = 0; j < 64 * 3; j++) {
            cr_expect_neq(other.e.x[j], a.e.x[j], "change %zu, coordinate %zu", i, j);
        }
        bench_free(&other);
    }
    bench_free(&a);
    bench_free(&b);
}
