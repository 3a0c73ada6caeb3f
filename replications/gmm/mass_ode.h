/* The ODEs of App. C for z(t), the log-ratio of the masses of two modes, when only z is trained.
 *
 * They hold while no walker crosses from one mode to the other. With q(0) the share of the walkers
 * that start at mode b, q* that of the training data, and z0 = z(0):
 *
 *     unweighted   z' = q(0) - q*                                            (50), (76)
 *     pcd          z' = q(0) - q*: 0 if the walkers start at all the data    (51), (77)
 *     cd           z' = 0                                                    (52), (78)
 *     jarzynski    z' = q(0) e^-(z-z0) / (p(0) + q(0) e^-(z-z0)) - q*        (53), (73)
 *
 * The paper writes (53) for z0 = 0; its derivation (71) has e^-(z-z0), which gives the fixed point
 * that the remark below (74) states.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_GMM_MASS_ODE_H
#define JEBM_GMM_MASS_ODE_H

#include "core/status.h"

typedef enum jebm_mass_law {
    JEBM_MASS_UNWEIGHTED,
    JEBM_MASS_PCD,
    JEBM_MASS_CD,
    JEBM_MASS_JARZYNSKI
} jebm_mass_law;

/* *z = z(t) of the law with its right-hand side times `rate`, from z(0) = z0; integrated from 0 at
 * each call, to 1e-10. q0 and q_star in [0, 1], rate and t not negative, all finite; else
 * JEBM_EINVAL. */
jebm_status jebm_mass_ode(jebm_mass_law law, double q0, double q_star, double z0, double rate,
                          double t, double *z, jebm_error *err);

/* Where z comes to rest: for jarzynski z* + log(q(0)/p(0)) + z0, (54) and the remark below (74),
 * where q* = e^-z* / (1 + e^-z*), infinite where a share is 0 or 1. The others have z' constant: z0
 * where it is 0, else infinite. */
double jebm_mass_fixed_point(jebm_mass_law law, double q0, double q_star, double z0);

#endif
