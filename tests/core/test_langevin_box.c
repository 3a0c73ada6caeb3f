/* Moves on a cube and with noise of another size: the identity (7) against quadrature, the kernels
 * against plain double, and the released image code's weights against the exact ones.
 *
 * Standard errors and bounds as in test_langevin.c: 4.5 of them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/isa.h"
#include "core/langevin.h"
#include "core/langevin_internal.h"
#include "energy/energy.h"

#include <criterion/criterion.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_erf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS 4.5

static void *get(size_t n, size_t size) {
    void *p = calloc(n + 1, size);
    cr_assert_not_null(p);
    return p;
}

/* ---- an energy that is a sum over coordinates: scale (a x^4/4 + x^2/2), theta = (a, scale) ----
 */

static void well_eval(const jebm_energy *e, size_t n, const float *x, double *U, float *grad) {
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < e->d; j++) {
            const double v = x[i * e->d + j];
            sum += e->theta[1] * (0.25 * e->theta[0] * v * v * v * v + 0.5 * v * v);
            if (grad != NULL) {
                grad[i * e->d + j] = (float)(e->theta[1] * (e->theta[0] * v * v * v + v));
            }
        }
        if (U != NULL) {
            U[i] = sum;
        }
    }
}

static void well_theta_grad(const jebm_energy *e, size_t n, const float *x, const float *w,
                            double *g) {
    (void)e, (void)n, (void)x, (void)w, (void)g;
}

static void well_refresh(jebm_energy *e) {
    (void)e;
}

static void well_free(jebm_energy *e) {
    free(e->theta);
    free(e);
}

static jebm_energy *well_new(size_t d, double a, double scale);

static jebm_energy *well_copy(const jebm_energy *e) {
    return well_new(e->d, e->theta[0], e->theta[1]);
}

static const jebm_energy_ops well_ops = {.name = "well",
                                         .eval = well_eval,
                                         .theta_grad = well_theta_grad,
                                         .refresh = well_refresh,
                                         .copy = well_copy,
                                         .free = well_free};

static jebm_energy *well_new(size_t d, double a, double scale) {
    jebm_energy *e = get(1, sizeof *e);
    *e = (jebm_energy){.ops = &well_ops, .d = d, .nparams = 2, .ngroups = 1};
    e->groups[0] = (jebm_group){"theta", 0, 2};
    e->theta = get(2, sizeof *e->theta);
    e->theta[0] = a;
    e->theta[1] = scale;
    return e;
}

static double density(double x, void *p) {
    const double *theta = p;
    return exp(-theta[1] * (0.25 * theta[0] * x * x * x * x + 0.5 * x * x));
}

/* log of the integral over one coordinate on [-1, 1], or on the line if that is not bounded */
static double log_integral(const jebm_energy *e, bool bounded) {
    gsl_function f = {density, e->theta};
    gsl_integration_workspace *w = gsl_integration_workspace_alloc(200);
    double value = 0.0, error = 0.0;
    cr_assert_eq(bounded ? gsl_integration_qag(&f, -1, 1, 0, 1e-10, 200, 6, w, &value, &error)
                         : gsl_integration_qagi(&f, 0, 1e-10, 200, w, &value, &error),
                 0);
    gsl_integration_workspace_free(w);
    return log(value);
}

/* ---- a protocol on the cube ------------------------------------------------------------------ */

enum { D = 3, N = 60000, STEPS = 24 };

/* a goes from 0 to -6, which drives walkers to the walls; log Z estimated from uniform walkers */
static double errors_off(const jebm_move *shape, size_t inner) {
    jebm_energy *now = well_new(D, 0.0, 2.0), *next = well_copy(now);
    jebm_ensemble e;
    cr_assert_eq(jebm_ensemble_init(&e, N, D, D, NULL), JEBM_OK);
    uint32_t *ids = get(N, sizeof *ids);
    float *scratch = get(JEBM_LANGEVIN_ROWS * D, sizeof *scratch);
    for (uint32_t i = 0; i < N; i++) {
        ids[i] = i;
        for (uint32_t j = 0; j < D; j++) {
            e.x[i * D + j] =
                (float)(1.0 - 2.0 * jebm_rng_uniform(shape->rng, i * D + j, JEBM_LANE_INIT, 0));
        }
    }
    jebm_langevin_begin(now, N, ids, &e);
    for (size_t i = 0; i < N; i++) {
        e.logw[i] = -e.U[i];
    }
    jebm_move move = *shape;
    for (move.step = 0; move.step < STEPS; move.step++) {
        next->theta[0] = -6.0 * (double)(move.step + 1) / STEPS;
        jebm_langevin_walk(now, next, &move, inner, N, ids, &e, scratch);
        now->theta[0] = next->theta[0];
    }
    jebm_weight_stats s;
    cr_assert_eq(jebm_weight_stats_of(N, e.logw, &s), JEBM_OK);
    const double exact = D * log_integral(now, true), se = sqrt((1.0 / s.ess - 1.0) / N);
    for (size_t i = 0; i < N * D; i++) {
        cr_assert(fabsf(e.x[i]) <= 1.0f, "a walker left the cube: %g", (double)e.x[i]);
    }
    jebm_energy_free(now);
    jebm_energy_free(next);
    jebm_ensemble_free(&e);
    free(ids);
    free(scratch);
    return (D * log(2.0) + s.log_mean_exp - exact) / se;
}

static jebm_move on_the_cube(void) {
    return (jebm_move){.h = 0.03,
                       .rule = JEBM_WEIGHTS_EXACT,
                       .bound = 1.0,
                       .rng = jebm_rng_make(5, 1),
                       .lane = JEBM_LANE_NOISE};
}

/* with and without clipping, with noise of another size, over several steps an iteration */
Test(langevin_box, refused_coordinates_are_weighed_exactly) {
    jebm_move plain = on_the_cube(), clipped = plain, louder = plain;
    clipped.clip = 2.0;
    louder.sigma = 1.4 * sqrt(2.0 * plain.h);
    const jebm_move moves[] = {plain, clipped, louder};
    for (size_t i = 0; i < 3; i++) {
        for (size_t inner = 1; inner <= 3; inner += 2) {
            const double off = errors_off(&moves[i], inner);
            cr_expect(fabs(off) <= ERRORS, "move %zu, %zu steps: log Z is %.1f errors off", i,
                      inner, off);
        }
    }
}

/* the other way about: what the released image code leaves out can be seen */
Test(langevin_box, what_the_released_image_code_leaves_out_shows) {
    jebm_move unweighed = on_the_cube(), assumed = unweighed;
    unweighed.unweighed_refusal = true;
    assumed.sigma = 1.4 * sqrt(2.0 * assumed.h);
    assumed.assume_2h = true;
    cr_expect(fabs(errors_off(&unweighed, 1)) > 3 * ERRORS, "refusals: %.1f errors off",
              errors_off(&unweighed, 1));
    cr_expect(fabs(errors_off(&assumed, 1)) > 3 * ERRORS, "noise: %.1f errors off",
              errors_off(&assumed, 1));
}

/* ---- noise sigma with weights for sqrt(2h): tempered weights ----------------------------------
 */

/* U with (h, sigma) moves as (2h/sigma^2) U with time step sigma^2/2, and the weights that assume
 * 2h are the exact ones of the latter times sigma^2/2h: 1e-4 in the released MNIST code */
Test(langevin_box, weights_that_assume_2h_are_exact_ones_at_a_temperature) {
    enum { n = 40, d = 17 };
    const double h = 0.02, sigma = 0.05, factor = 2.0 * h / (sigma * sigma);
    jebm_energy *plain = well_new(d, 0.3, 1.0), *after = well_new(d, 0.5, 1.0);
    jebm_energy *cold = well_new(d, 0.3, factor), *cold_after = well_new(d, 0.5, factor);
    const jebm_move move = {.h = h,
                            .rule = JEBM_WEIGHTS_EXACT,
                            .sigma = sigma,
                            .assume_2h = true,
                            .rng = jebm_rng_make(8, 8)};
    jebm_move exact = {
        .h = 0.5 * sigma * sigma, .rule = JEBM_WEIGHTS_EXACT, .rng = move.rng, .lane = move.lane};
    jebm_ensemble a, b;
    uint32_t ids[n];
    float *scratch = get(JEBM_LANGEVIN_ROWS * d, sizeof *scratch);
    cr_assert_eq(jebm_ensemble_init(&a, n, d, d, NULL), JEBM_OK);
    cr_assert_eq(jebm_ensemble_init(&b, n, d, d, NULL), JEBM_OK);
    jebm_rng_normals(move.rng, JEBM_LANE_INIT, 0, 0, n, d, 1.0f, a.x);
    memcpy(b.x, a.x, n * d * sizeof *a.x);
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = i;
    }
    jebm_langevin_begin(plain, n, ids, &a);
    jebm_langevin_begin(cold, n, ids, &b);
    jebm_langevin_walk(plain, after, &move, 5, n, ids, &a, scratch);
    jebm_langevin_walk(cold, cold_after, &exact, 5, n, ids, &b, scratch);
    for (size_t i = 0; i < n; i++) {
        /* positions agree to a float's rounding in each of 5 steps, so U (some 10) to 1e-5 */
        cr_expect_float_eq(factor * a.logw[i], b.logw[i], 1e-4 * factor, "walker %zu: %g and %g", i,
                           factor * a.logw[i], b.logw[i]);
    }
    jebm_energy *all[] = {plain, after, cold, cold_after};
    for (size_t i = 0; i < 4; i++) {
        jebm_energy_free(all[i]);
    }
    jebm_ensemble_free(&a);
    jebm_ensemble_free(&b);
    free(scratch);
}

/* ---- the kernels against plain double ---------------------------------------------------------
 */

static double clamp(double b, double clip) {
    return fmin(fmax(b, -clip), clip);
}

static double log_outside(const jebm_move_terms *m, double mean) {
    const double s = m->deviation * sqrt(2.0);
    const double a = gsl_sf_log_erfc((m->bound - mean) / s),
                 b = gsl_sf_log_erfc((m->bound + mean) / s);
    return fmax(a, b) + log1p(exp(-fabs(a - b))) - log(2.0);
}

static double reference_path(const jebm_move_terms *m, size_t d, const float *x, const float *y,
                             const float *grad_x, const float *grad_y, const float *refused) {
    double sum = 0.0;
    for (size_t j = 0; j < d; j++) {
        const double before = x[j] - m->h * clamp(grad_x[j], m->clip);
        const double after = y[j] - m->h * clamp(grad_y[j], m->clip);
        if (m->weigh_refusal && refused[j] != 0.0f) {
            sum += log_outside(m, after) - log_outside(m, before);
        } else {
            const double forward = y[j] - before, backward = x[j] - after;
            sum += (forward * forward - backward * backward) / m->variance_2;
        }
    }
    return sum;
}

static float draw(uint32_t i, uint32_t lane) {
    return (float)(2.0 * jebm_rng_uniform(jebm_rng_make(3, 4), i, lane, 9) - 1.0);
}

Test(langevin_box, kernels_agree_with_plain_double_on_every_instruction_set) {
    static const size_t sizes[] = {1, 2, 3, 15, 16, 17, 40, 784};
    static const jebm_langevin_kernels *const table[] = {
        &jebm_langevin_kernels_baseline,
#if defined(JEBM_HAVE_AVX2)
        &jebm_langevin_kernels_avx2,
#endif
#if defined(JEBM_HAVE_AVX512)
        &jebm_langevin_kernels_avx512
#endif
    };
    const double deviations[] = {0.03, 0.2, 3.0};
    const jebm_isa best = jebm_isa_current();
    for (size_t v = 0; v < sizeof table / sizeof *table && v <= (size_t)best; v++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            for (size_t q = 0; q < 3; q++) {
                const size_t d = sizes[s];
                const double sigma = deviations[q];
                const jebm_move_terms m = {.h = 0.5 * sigma * sigma,
                                           .clip = 1.5 / sigma,
                                           .bound = 1.0,
                                           .deviation = sigma,
                                           .variance_2 = 2.0 * sigma * sigma,
                                           .weigh_refusal = true};
                float x[784], y[784], grad_x[784], grad_y[784], noise[784], drawn[784];
                for (uint32_t j = 0; j < d; j++) {
                    x[j] = draw(j, 0) > 0.0f ? 1.0f - 0.1f * fabsf(draw(j, 1)) : draw(j, 1);
                    grad_x[j] = draw(j, 2) * 2.0f / (float)sigma;
                    grad_y[j] = grad_x[j] + 0.2f * draw(j, 3) / (float)sigma;
                    drawn[j] = noise[j] = draw(j, 4) * 2.0f * (float)sigma;
                }
                table[v]->move(&m, d, x, grad_x, noise, y);
                for (size_t j = 0; j < d; j++) {
                    const double there = x[j] - m.h * clamp(grad_x[j], m.clip) + drawn[j];
                    const bool out = fabs(there) > 1.0;
                    /* a proposal within rounding of the wall may fall on either side */
                    if (fabs(fabs(there) - 1.0) > 1e-6) {
                        cr_expect_eq(noise[j] != 0.0f, out, "variant %zu, d %zu, %zu", v, d, j);
                        cr_expect_float_eq(y[j], out ? x[j] : there, 4e-7 * (1.0 + sigma));
                    }
                }
                /* |log R| stays below 100; its float polynomial is good to 1.2e-7 of R, and t^2/2
                 * to a few units in the last place of 100: 1e-5 a coordinate at most */
                const double truth = reference_path(&m, d, x, y, grad_x, grad_y, noise);
                const double value = table[v]->path(&m, d, x, y, grad_x, grad_y, noise);
                cr_expect_float_eq(value, truth, 1e-6 * (double)d + 2e-5,
                                   "variant %zu, d %zu, sigma %g: %.9g and %.9g", v, d, sigma,
                                   value, truth);
            }
        }
    }
}
