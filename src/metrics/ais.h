/* Annealed importance sampling of log Z, from both ends (Neal, Statistics and Computing 11 (2001)
 * 125; Grosse, Ghahramani and Adams 2015 for the sandwich): the product's own weights (7) along a
 * path of energies that is fixed beforehand.
 *
 *   forward   walkers from the reference density, U_ref at beta = 0, go to U at beta = 1:
 *             log Z = log Z_ref + log mean exp A, too low on average (Jensen)
 *   reverse   walkers that are samples of the model go from beta = 1 to 0:
 *             log Z = log Z_ref - log mean exp A, too high on average if they are exact samples
 *
 * Between lies the truth, up to both standard errors. Bit-identical for any number of threads.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_AIS_H
#define JEBM_AIS_H

#include "core/langevin.h"
#include "core/resample.h"
#include "energy/energy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Put the energy at beta in [0, 1] of the path that ends at theta [nparams]: beta = 0 the
 * reference, beta = 1 the model. */
typedef void (*jebm_ais_path)(const double *theta, double beta, jebm_energy *e);

typedef struct jebm_ais_config {
    jebm_move move; /* rule EXACT; lane and step are set here */
    double h_max; /* the time step at beta is min(move.h/beta, h_max), since curvatures of beta U
                     grow with beta; 0: move.h throughout */
    size_t walkers;
    size_t steps; /* values of beta after the first: (k/steps)^power */
    double power;
    size_t inner; /* ULA steps at each */
    double threshold; /* forward: resample (systematic) when the ESS falls below; 0: never */
    jebm_ais_path path;
    float *x; /* [walkers][d] out: the walkers at the end of either way ... */
    double *logw; /* [walkers] ... and their log-weights there ... */
    uint32_t *ancestor; /* [walkers] ... and at which walker of the start each began. Borrowed;
                           NULL: not wanted */
} jebm_ais_config;

typedef struct jebm_ais_estimate {
    double log_z;
    double se; /* sqrt((1/ESS - 1)/N) of the last weights, plus what each resampling added */
    double ess; /* at the end */
    size_t resamplings;
} jebm_ais_estimate;

/* The model is `energy` (not changed), which has a reference density.
 *   x  forward: NULL. Reverse: [walkers][d] samples of the model
 * JEBM_EUNSUPPORTED without a reference, JEBM_ENOMEM, JEBM_EDIVERGE if an energy or weight is not
 * finite. */
JEBM_API jebm_status jebm_ais_forward(const jebm_energy *energy, const jebm_ais_config *config,
                                      jebm_ais_estimate *out, jebm_error *err);
JEBM_API jebm_status jebm_ais_reverse(const jebm_energy *energy, const jebm_ais_config *config,
                                      const float *x, jebm_ais_estimate *out, jebm_error *err);

#ifdef __cplusplus
}
#endif

#endif
