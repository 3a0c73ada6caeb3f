/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/optimizer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const jebm_optimizer_config descent = {.kind = JEBM_GRADIENT_DESCENT};
static const jebm_optimizer_config adam = {
    .kind = JEBM_ADAM, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-8};

static jebm_optimizer made(const jebm_optimizer_config *config, size_t nparams) {
    jebm_optimizer o;
    cr_assert_eq(jebm_optimizer_init(&o, config, nparams, NULL), JEBM_OK);
    return o;
}

Test(optimizer, gradient_descent_climbs_by_rate_times_direction) {
    jebm_optimizer o = made(&descent, 4);
    const double direction[] = {1.0, -2.0, 4.0, 8.0};
    double theta[] = {0.5, 0.5, 0.5, 0.5};
    jebm_optimizer_set_rate(&o, 0, 2, 0.25);
    jebm_optimizer_set_rate(&o, 2, 1, 0.5);
    jebm_optimizer_step(&o, 0, direction, theta);
    /* the last one's rate was never set */
    const double first[] = {0.75, 0.0, 2.5, 0.5};
    cr_expect_arr_eq(theta, first, sizeof first);
    jebm_optimizer_step(&o, 1, direction, theta);
    const double second[] = {1.0, -0.5, 4.5, 0.5};
    cr_expect_arr_eq(theta, second, sizeof second);
    jebm_optimizer_free(&o);
}

Test(optimizer, a_linear_schedule_runs_between_its_end_points) {
    jebm_optimizer_config c = {.schedule = JEBM_SCHEDULE_LINEAR, .end = 0.25, .horizon = 8};
    cr_expect_eq(jebm_schedule_factor(&c, 0), 1.0);
    cr_expect_eq(jebm_schedule_factor(&c, 4), 0.625);
    cr_expect_eq(jebm_schedule_factor(&c, 8), 0.25);
    cr_expect_eq(jebm_schedule_factor(&c, 9), 0.25);
    cr_expect_eq(jebm_schedule_factor(&c, UINT64_MAX), 0.25);
    c.end = 0.0;
    cr_expect_eq(jebm_schedule_factor(&c, 8), 0.0);
    c.schedule = JEBM_SCHEDULE_CONSTANT;
    cr_expect_eq(jebm_schedule_factor(&c, 1000), 1.0);
}

Test(optimizer, the_schedule_scales_every_rate) {
    const jebm_optimizer_config c = {.schedule = JEBM_SCHEDULE_LINEAR, .end = 0.5, .horizon = 2};
    jebm_optimizer o = made(&c, 1);
    jebm_optimizer_set_rate(&o, 0, 1, 1.0);
    double theta = 0.0, direction = 1.0;
    for (uint64_t k = 0; k < 4; k++) {
        jebm_optimizer_step(&o, k, &direction, &theta);
    }
    cr_expect_eq(theta, 1.0 + 0.75 + 0.5 + 0.5);
    jebm_optimizer_free(&o);
}

Test(optimizer, the_first_step_of_adam_is_rate_times_sign) {
    /* m/(1-b1) = g, v/(1-b2) = g^2: rate g / (|g| + eps) */
    jebm_optimizer o = made(&adam, 4);
    const double direction[] = {1e-3, -7.0, 1e6, 0.0};
    double theta[] = {0.0, 0.0, 0.0, 0.0};
    jebm_optimizer_set_rate(&o, 0, 4, 0.125);
    jebm_optimizer_step(&o, 0, direction, theta);
    for (int i = 0; i < 4; i++) {
        const double g = direction[i];
        cr_expect_lt(fabs(theta[i] - 0.125 * g / (fabs(g) + 1e-8)), 1e-15, "%d: %.17g", i,
                     theta[i]);
    }
    cr_expect_lt(fabs(theta[1] + 0.125), 1e-9);
    jebm_optimizer_free(&o);
}

/* some direction that changes size and sign with k */
static double direction_of(uint64_t k, size_t i) {
    return exp(sin(0.3 * (double)k)) * cos((double)(k * (i + 1))) + 0.1 * (double)i;
}

Test(optimizer, adam_is_that_of_kingma_and_ba) {
    /* Closed form instead of the recursion: m_t = (1 - b1) sum_s b1^(t-s) g_s, likewise v_t. */
    enum { P = 3, STEPS = 200 };
    jebm_optimizer_config c = adam;
    c.schedule = JEBM_SCHEDULE_LINEAR;
    c.end = 0.1;
    c.horizon = 150;
    jebm_optimizer o = made(&c, P);
    double theta[P] = {1.0, 2.0, 3.0}, expected[P] = {1.0, 2.0, 3.0};
    for (size_t i = 0; i < P; i++) {
        jebm_optimizer_set_rate(&o, i, 1, 0.01 * (double)(i + 1));
    }
    for (uint64_t k = 0; k < STEPS; k++) {
        double direction[P];
        const double t = (double)k + 1.0, factor = k < 150 ? 1.0 - 0.9 * (double)k / 150.0 : 0.1;
        for (size_t i = 0; i < P; i++) {
            double m = 0.0, v = 0.0;
            for (uint64_t s = 0; s <= k; s++) {
                const double g = direction_of(s, i);
                m += 0.1 * pow(0.9, (double)(k - s)) * g;
                v += 0.001 * pow(0.999, (double)(k - s)) * g * g;
            }
            m /= 1.0 - pow(0.9, t);
            v /= 1.0 - pow(0.999, t);
            expected[i] += factor * 0.01 * (double)(i + 1) * m / (sqrt(v) + 1e-8);
            direction[i] = direction_of(k, i);
        }
        jebm_optimizer_step(&o, k, direction, theta);
        for (size_t i = 0; i < P; i++) {
            cr_assert_lt(fabs(theta[i] - expected[i]), 1e-12,
                         "iteration %d, parameter %zu: %.17g, expected %.17g", (int)k, i, theta[i],
                         expected[i]);
        }
    }
    jebm_optimizer_free(&o);
}

/* Both kinds go as if each direction longer than max_norm had been divided by its length and
 * multiplied by max_norm beforehand; shorter ones and max_norm = 0 are left alone. Adam's first
 * step does not depend on the length, the later ones do. */
Test(optimizer, max_norm_shortens_the_direction_of_either_kind) {
    enum { P = 3, STEPS = 20 };
    for (int kind = 0; kind < 2; kind++) {
        const jebm_optimizer_config plain = kind == 0 ? descent : adam;
        jebm_optimizer_config limited = plain;
        limited.max_norm = 2.0;
        jebm_optimizer a = made(&plain, P), b = made(&limited, P);
        double theta[2][P] = {{0}};
        size_t longer = 0;
        jebm_optimizer_set_rate(&a, 0, P, 0.25);
        jebm_optimizer_set_rate(&b, 0, P, 0.25);
        for (uint64_t k = 0; k < STEPS; k++) {
            double full[P], cut[P], square = 0.0;
            for (size_t i = 0; i < P; i++) {
                full[i] = 1.3 * direction_of(k, i);
                square += full[i] * full[i];
            }
            longer += square > 4.0;
            for (size_t i = 0; i < P; i++) {
                cut[i] = square > 4.0 ? 2.0 * full[i] / sqrt(square) : full[i];
            }
            jebm_optimizer_step(&a, k, cut, theta[0]);
            jebm_optimizer_step(&b, k, full, theta[1]);
            for (size_t i = 0; i < P; i++) {
                cr_assert_float_eq(theta[1][i], theta[0][i], 1e-14,
                                   "kind %d, iteration %d, parameter %zu: %.17g, expected %.17g",
                                   kind, (int)k, i, theta[1][i], theta[0][i]);
            }
        }
        cr_expect(longer > 5 && longer < STEPS - 5, "%zu of %d are longer", longer, (int)STEPS);
        jebm_optimizer_free(&a);
        jebm_optimizer_free(&b);
    }
}

Test(optimizer, settings_out_of_range_are_refused) {
    const jebm_optimizer_config bad[] = {
        {.schedule = JEBM_SCHEDULE_LINEAR, .end = -0.1, .horizon = 1},
        {.schedule = JEBM_SCHEDULE_LINEAR, .end = 1.1, .horizon = 1},
        {.schedule = JEBM_SCHEDULE_LINEAR, .end = NAN, .horizon = 1},
        {.schedule = JEBM_SCHEDULE_LINEAR, .end = 0.5, .horizon = 0},
        {.kind = JEBM_ADAM, .beta_1 = 1.0, .beta_2 = 0.9, .epsilon = 1e-8},
        {.kind = JEBM_ADAM, .beta_1 = -0.1, .beta_2 = 0.9, .epsilon = 1e-8},
        {.kind = JEBM_ADAM, .beta_1 = NAN, .beta_2 = 0.9, .epsilon = 1e-8},
        {.kind = JEBM_ADAM, .beta_1 = 0.9, .beta_2 = 1.0, .epsilon = 1e-8},
        {.kind = JEBM_ADAM, .beta_1 = 0.9, .beta_2 = -0.1, .epsilon = 1e-8},
        {.kind = JEBM_ADAM, .beta_1 = 0.9, .beta_2 = 0.9, .epsilon = 0.0},
        {.kind = JEBM_ADAM, .beta_1 = 0.9, .beta_2 = 0.9, .epsilon = NAN},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        jebm_optimizer o;
        jebm_error err = {0};
        cr_expect_eq(jebm_optimizer_init(&o, &bad[i], 3, &err), JEBM_EINVAL, "setting %zu", i);
        cr_expect_not_null(strstr(err.text, bad[i].kind == JEBM_ADAM ? "Adam" : "schedule"));
        cr_expect_null(o.rate);
        jebm_optimizer_free(&o);
    }
}

Test(optimizer, free_takes_null_and_what_was_freed) {
    jebm_optimizer o = made(&adam, 2);
    jebm_optimizer_free(&o);
    jebm_optimizer_free(&o);
    jebm_optimizer_free(NULL);
    cr_expect_null(o.moment_1);
}
