/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mass_ode.h"

#include <criterion/criterion.h>
#include <gsl/gsl_integration.h>
#include <math.h>

/* the integrator's tolerance is 1e-10 a step, and errors die out towards the fixed point */
#define CLOSE 1e-8

static double solve(jebm_mass_law law, double q0, double q_star, double z0, double rate, double t) {
    double z = NAN;
    jebm_error err = {0};
    cr_assert_eq(jebm_mass_ode(law, q0, q_star, z0, rate, t, &z, &err), JEBM_OK, "%s", err.text);
    return z;
}

typedef struct shares {
    double q0, q_star, z0;
} shares;

static const shares cases[] = {
    {0.5, 0.75, 0}, {0.55, 0.2, 0}, {0.48, 0.5, 0}, {0.3, 0.7, 1.5}, {0.9, 0.05, -2},
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* (53) as the paper prints it, with e^-(z-z0) for its e^-z */
static double slope_of(const shares *s, double z) {
    const double e = exp(-(z - s->z0));
    return s->q0 * e / (1 - s->q0 + s->q0 * e) - s->q_star;
}

static double time_per_z(double z, void *context) {
    return 1 / slope_of(context, z);
}

Test(mass_ode, jarzynski_takes_the_time_that_the_inverse_slope_integrates_to) {
    gsl_integration_workspace *work = gsl_integration_workspace_alloc(200);
    const double times[] = {0.01, 1, 7, 30};
    for (size_t i = 0; i < CASES; i++) {
        shares s = cases[i];
        gsl_function f = {time_per_z, &s};
        for (size_t k = 0; k < 4; k++) {
            for (double rate = 0.5; rate < 3; rate += 2) {
                const double t = times[k] / rate;
                const double z = solve(JEBM_MASS_JARZYNSKI, s.q0, s.q_star, s.z0, rate, t);
                double found, accuracy;
                gsl_integration_qag(&f, s.z0, z, 0, 1e-10, 200, GSL_INTEG_GAUSS31, work, &found,
                                    &accuracy);
                // an error of CLOSE in z is one of CLOSE/slope in the time
                cr_expect_lt(fabs(found - rate * t) * fabs(slope_of(&s, z)), CLOSE,
                             "case %zu t %g: z = %.12g after %.12g", i, t, z, found / rate);
            }
        }
    }
    gsl_integration_workspace_free(work);
}

Test(mass_ode, jarzynski_moves_with_the_printed_slope) {
    for (size_t i = 0; i < CASES; i++) {
        const shares *s = &cases[i];
        const double t = 2, dt = 1e-3, rate = 0.7;
        const double before = solve(JEBM_MASS_JARZYNSKI, s->q0, s->q_star, s->z0, rate, t - dt);
        const double now = solve(JEBM_MASS_JARZYNSKI, s->q0, s->q_star, s->z0, rate, t);
        const double after = solve(JEBM_MASS_JARZYNSKI, s->q0, s->q_star, s->z0, rate, t + dt);
        // central difference: 1e-10/dt from the integrator, dt^2/6 times a third derivative below 1
        cr_expect_float_eq((after - before) / (2 * dt), rate * slope_of(s, now), 4e-7, "case %zu",
                           i);
    }
}

Test(mass_ode, jarzynski_rests_where_the_weighted_share_is_that_of_the_data) {
    for (size_t i = 0; i < CASES; i++) {
        const shares *s = &cases[i];
        const double z = jebm_mass_fixed_point(JEBM_MASS_JARZYNSKI, s->q0, s->q_star, s->z0);
        cr_expect_lt(fabs(slope_of(s, z)), 1e-14, "case %zu: slope %g", i, slope_of(s, z));
        const double late[] = {2e3, 1e5, 1e7};
        for (size_t k = 0; k < 3; k++) {
            const double found = solve(JEBM_MASS_JARZYNSKI, s->q0, s->q_star, s->z0, 1, late[k]);
            cr_expect_float_eq(found, z, CLOSE, "case %zu: %.12g at t = %g, rests at %.12g", i,
                               found, late[k], z);
        }
    }
    // by hand: q* = 3/4 is z* = -log 3, and q(0) = 2/3 adds log 2
    cr_expect_float_eq(jebm_mass_fixed_point(JEBM_MASS_JARZYNSKI, 2. / 3, 0.75, 0), log(2. / 3),
                       1e-15);
    cr_expect_float_eq(jebm_mass_fixed_point(JEBM_MASS_JARZYNSKI, 2. / 3, 0.75, 1.25),
                       1.25 + log(2. / 3), 1e-15);
}

Test(mass_ode, without_weights_z_goes_at_a_constant_slope) {
    const double z = 0.5 + 0.125 * (0.5 - 0.75) * 1e5;
    cr_expect_float_eq(solve(JEBM_MASS_UNWEIGHTED, 0.5, 0.75, 0.5, 0.125, 1e5), z, 1e-9);
    cr_expect_float_eq(solve(JEBM_MASS_PCD, 0.5, 0.75, 0.5, 0.125, 1e5), z, 1e-9);
    cr_expect_eq(jebm_mass_fixed_point(JEBM_MASS_UNWEIGHTED, 0.5, 0.75, 0), -INFINITY);
    cr_expect_eq(jebm_mass_fixed_point(JEBM_MASS_PCD, 0.8, 0.75, 0), INFINITY);
}

Test(mass_ode, pcd_from_all_the_data_and_cd_learn_nothing) {
    cr_expect_eq(solve(JEBM_MASS_PCD, 0.73, 0.73, 0.25, 1, 1e5), 0.25);
    cr_expect_eq(solve(JEBM_MASS_CD, 0.5, 0.73, 0.25, 1, 1e5), 0.25);
    cr_expect_eq(jebm_mass_fixed_point(JEBM_MASS_PCD, 0.73, 0.73, 0.25), 0.25);
    cr_expect_eq(jebm_mass_fixed_point(JEBM_MASS_CD, 0.5, 0.73, 0.25), 0.25);
}

Test(mass_ode, an_empty_mode_sends_z_off_without_overflow) {
    // the weighted share stays 0 or 1, whatever the weights
    cr_expect_float_eq(solve(JEBM_MASS_JARZYNSKI, 0, 0.75, 0, 1, 1e5), -0.75e5, 1e-4);
    cr_expect_float_eq(solve(JEBM_MASS_JARZYNSKI, 1, 0.75, 0, 1, 1e5), 0.25e5, 1e-4);
    cr_expect_eq(jebm_mass_fixed_point(JEBM_MASS_JARZYNSKI, 0, 0.75, 0), -INFINITY);
    cr_expect_eq(jebm_mass_fixed_point(JEBM_MASS_JARZYNSKI, 1, 0.75, 0), INFINITY);
    // no data at b, half of the walkers: z' = 1/(1 + e^z), so z + e^z = t + 1
    const double z = solve(JEBM_MASS_JARZYNSKI, 0.5, 0, 0, 1, 1e5);
    cr_expect_float_eq((z + exp(z)) / (1e5 + 1), 1, CLOSE, "z = %.12g", z);
}

Test(mass_ode, a_still_clock_or_rate_leaves_z) {
    cr_expect_eq(solve(JEBM_MASS_JARZYNSKI, 0.4, 0.7, 0.5, 1, 0), 0.5);
    cr_expect_eq(solve(JEBM_MASS_JARZYNSKI, 0.4, 0.7, 0.5, 0, 100), 0.5);
}

Test(mass_ode, the_answer_does_not_depend_on_earlier_calls) {
    const double first = solve(JEBM_MASS_JARZYNSKI, 0.4, 0.7, 0, 1, 50);
    solve(JEBM_MASS_JARZYNSKI, 0.9, 0.1, 0, 1, 49);
    cr_expect_eq(solve(JEBM_MASS_JARZYNSKI, 0.4, 0.7, 0, 1, 50), first);
}

static void expect_refusal(double q0, double q_star, double z0, double rate, double t,
                           const char *words) {
    double z;
    jebm_error err = {0};
    cr_expect_eq(jebm_mass_ode(JEBM_MASS_JARZYNSKI, q0, q_star, z0, rate, t, &z, &err),
                 JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, words), "found '%s', wanted '%s'", err.text, words);
}

Test(mass_ode, what_is_no_share_or_time_is_refused) {
    expect_refusal(1.5, 0.5, 0, 1, 1, "q(0) = 1.5");
    expect_refusal(0.5, NAN, 0, 1, 1, "expected them in [0, 1]");
    expect_refusal(0.5, 0.5, INFINITY, 1, 1, "z(0) = inf");
    expect_refusal(0.5, 0.5, 0, -1, 1, "rate -1");
    expect_refusal(0.5, 0.5, 0, 1, -2, "t = -2");
    expect_refusal(0.5, 0.5, 0, 1, NAN, "expected finite numbers");
}
