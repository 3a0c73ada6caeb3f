/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mass_ode.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>
#include <math.h>

static const double tolerance = 1e-10;

/* equation (53), with time in units of 1/rate */
typedef struct equation {
    double middle; /* z0 + log(q(0)/p(0)): where both modes weigh the same; may be infinite */
    double q_star;
} equation;

/* weighted share of the walkers at b; in this form neither a large z nor an empty mode overflows */
static double weighted_share(const equation *e, double z) {
    return 1 / (1 + exp(z - e->middle));
}

static int right_hand_side(double t, const double *z, double *slope, void *context) {
    (void)t;
    const equation *e = context;
    *slope = weighted_share(e, *z) - e->q_star;
    return GSL_SUCCESS;
}

static int jacobian(double t, const double *z, double *dslope_dz, double *dslope_dt,
                    void *context) {
    (void)t;
    const double share = weighted_share(context, *z);
    *dslope_dz = -share * (1 - share);
    *dslope_dt = 0;
    return GSL_SUCCESS;
}

static int integrate(const equation *e, double t, double *z) {
    gsl_odeiv2_system system = {right_hand_side, jacobian, 1, (void *)e};
    // implicit: once z rests, its steps grow, where an explicit method's stay at its limit of
    // stability for ever
    gsl_odeiv2_driver *driver =
        gsl_odeiv2_driver_alloc_y_new(&system, gsl_odeiv2_step_bsimp, 1e-3, tolerance, tolerance);
    if (driver == NULL) {
        return GSL_ENOMEM;
    }
    double now = 0;
    const int outcome = gsl_odeiv2_driver_apply(driver, &now, t, z);
    gsl_odeiv2_driver_free(driver);
    return outcome;
}

jebm_status jebm_mass_ode(jebm_mass_law law, double q0, double q_star, double z0, double rate,
                          double t, double *z, jebm_error *err) {
    if (!(q0 >= 0 && q0 <= 1 && q_star >= 0 && q_star <= 1)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "mass_ode: found shares q(0) = %g and q* = %g, expected them in [0, 1]",
                         q0, q_star);
    }
    if (!(isfinite(z0) && rate >= 0 && t >= 0 && isfinite(rate * t))) {
        return jebm_fail(err, JEBM_EINVAL,
                         "mass_ode: found z(0) = %g, rate %g and t = %g, expected finite numbers, "
                         "rate and t not negative",
                         z0, rate, t);
    }
    *z = z0;
    if (law == JEBM_MASS_UNWEIGHTED || law == JEBM_MASS_PCD) {
        *z += rate * (q0 - q_star) * t;
    } else if (law == JEBM_MASS_JARZYNSKI) {
        const equation e = {z0 + log(q0) - log1p(-q0), q_star};
        // by default GSL ends the program where it fails
        gsl_error_handler_t *const handler = gsl_set_error_handler_off();
        const int outcome = integrate(&e, rate * t, z);
        gsl_set_error_handler(handler);
        if (outcome != GSL_SUCCESS) {
            return jebm_fail(err, outcome == GSL_ENOMEM ? JEBM_ENOMEM : JEBM_EINVAL,
                             "mass_ode: GSL could not integrate (53) to t = %g: %s", t,
                             gsl_strerror(outcome));
        }
    }
    return JEBM_OK;
}

double jebm_mass_fixed_point(jebm_mass_law law, double q0, double q_star, double z0) {
    if (law == JEBM_MASS_JARZYNSKI) {
        return z0 + log(q0) - log1p(-q0) + log1p(-q_star) - log(q_star);
    }
    if (law == JEBM_MASS_CD || q0 == q_star) {
        return z0;
    }
    return q0 > q_star ? INFINITY : -INFINITY;
}
