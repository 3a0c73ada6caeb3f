/* One training loop for the paper's Algorithms 1 to 4. They differ in policies:
 *
 *   method       walkers start at     weights   walkers return to data
 *   jarzynski    model at theta_0     evolved   never           Alg. 1; Alg. 2 with batch < walkers
 *   unweighted   model at theta_0     frozen    never           App. C.1.2
 *   pcd          data                 frozen    never           Alg. 4
 *   cd           data                 frozen    see cd_schedule  Alg. 3
 *
 * Iteration k takes theta_k to theta_{k+1} by the gradient that the walkers at k give, moves the
 * walkers with the drift of theta_k, evaluates them once under theta_{k+1} (which serves the
 * weights now, and the next gradient and the next move), and resamples if it is due.
 *
 * With gradient = batch an iteration touches the N' walkers of its mini-batch and no others: their
 * weights are settled when they are drawn (the changes A -= U_{k+1}(X) - U_k(X) of a walker that
 * stays where it is telescope), they give the gradient, and they move. All walkers are settled
 * where that decides something: when resampling is considered, and on jebm_trainer_settle().
 *
 * A trainer carries a list of populations. The first one enters the gradient. The others follow the
 * same theta, are weighed and resampled in the same way, and enter nothing: the identity (7) holds
 * for a protocol that does not depend on the walkers, as is true of them and not of the first.
 *
 * Everything is bit-identical for any number of threads, which may change from call to call, and
 * after a restore.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TRAINER_H
#define JEBM_TRAINER_H

#include "core/langevin.h"
#include "core/optimizer.h"
#include "core/resample.h"
#include "energy/energy.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum jebm_method {
    JEBM_METHOD_JARZYNSKI,
    JEBM_METHOD_UNWEIGHTED,
    JEBM_METHOD_PCD,
    JEBM_METHOD_CD,
    JEBM_METHOD_COUNT
} jebm_method;

/* "jarzynski", ...; NULL beyond the last. */
JEBM_API const char *jebm_method_name(jebm_method method);

typedef enum jebm_cd_schedule {
    JEBM_CD_PER_ITERATION, /* Algorithm 3: every iteration resets, then moves cd_steps times */
    JEBM_CD_INTERLEAVED /* the released script: one move an iteration, a reset after the move of
                           every iteration k with k % cd_steps == 0 */
} jebm_cd_schedule;

typedef enum jebm_trigger {
    JEBM_TRIGGER_NEVER,
    JEBM_TRIGGER_ESS, /* ESS < threshold, eq. (13) */
    JEBM_TRIGGER_CV, /* coefficient of variation of the weights, sqrt(1/ESS - 1) > threshold */
    JEBM_TRIGGER_INTERVAL /* every `interval` iterations */
} jebm_trigger;

typedef enum jebm_start {
    JEBM_START_METHOD, /* as the table above has it; where the energy cannot sample the model:
                          reference, the log-weights making up for the difference */
    JEBM_START_REFERENCE /* the energy's reference density (images: uniform noise) */
} jebm_start;

typedef enum jebm_gradient {
    JEBM_GRADIENT_ALL, /* averages over all walkers and data, as Algorithm 2 has it */
    JEBM_GRADIENT_BATCH /* averages over the walkers that move, and data_batch data points */
} jebm_gradient;

#define JEBM_MAX_POPULATIONS 4

typedef struct jebm_trainer_config {
    jebm_method method;
    jebm_weight_rule rule; /* of method jarzynski; the others freeze their weights */
    size_t npopulations;
    size_t walkers[JEBM_MAX_POPULATIONS]; /* N of each population */
    size_t batch[JEBM_MAX_POPULATIONS]; /* N' <= N of each that move in an iteration */
    jebm_gradient gradient;
    size_t data_batch; /* gradient = batch: data points n' an iteration; 0: all n */
    uint64_t ess_every; /* gradient = batch: iterations between two looks at the ESS; 0: N/N',
                           rounded up, so that looking costs what moving does */
    bool leave_one_out; /* a walker's weight follows the theta that the others would have given, to
                           first order in its own share: docs/BIAS.md. Gradient descent, all */
    size_t inner; /* ULA steps an iteration (CD per iteration: cd_steps) */
    size_t batches; /* gradient = batch: mini-batches that move in an iteration, one after another;
                       0: 1 */
    size_t cd_steps; /* P */
    jebm_cd_schedule cd_schedule;
    double h;
    double final_h; /* h_k = h (final_h/h)^min(k/h_horizon, 1); 0: h throughout. The weights (7) are
                       exact for any sequence of steps that is fixed beforehand */
    uint64_t h_horizon; /* >= 1 with final_h */
    double clip, bound, sigma; /* see jebm_move */
    bool assume_2h, unweighed_refusal; /* see jebm_move */
    jebm_start start;
    uint64_t burn_in; /* ULA steps at theta_0 before k = 0, weighed as any others */
    bool start_each; /* pcd, cd: walker i starts at data point i mod n, not at a drawn one */
    bool start_split; /* walkers at theta_0 in exact proportions instead of random ones */

    jebm_resampling scheme;
    jebm_trigger trigger;
    double threshold; /* ESS in (0, 1], or CV > 0 */
    uint64_t interval; /* >= 1 */
    uint64_t resample_from; /* no resampling before this iteration */
    bool stale_trigger; /* judge by the weights of the iteration before (released script) */

    jebm_optimizer_config optimizer;
    double rate[JEBM_MAX_GROUPS]; /* of each parameter group of the energy */
    double alpha; /* descends the cross-entropy + alpha (E_data U^2 + E_model U^2) */
    double ess_cost; /* gradient = batch: a parameter step is shortened until the ESS of the walkers
                        that give the gradient falls by at most this factor; 0: never */

    /* gradient = batch: what the released image code does otherwise, docs/FIDELITY.md */
    bool stale_weights; /* the gradient weighs by theta_{k-1} */
    bool stale_start; /* burn_in is not weighed: log-weights start from the energies before it */
    bool unpermuted_energies; /* resampling leaves U_k(X) at the places of the walkers before */
    bool fresh_gradient; /* other walkers give the gradient than those that move */
    bool released_log_z; /* log Z_0 is taken as log mean exp(-U) of the walkers at k = 0 */

    jebm_rng rng[JEBM_MAX_POPULATIONS]; /* of each population */
} jebm_trainer_config;

typedef struct jebm_trainer jebm_trainer;

/* Set up and evaluate everything at k = 0.
 *   energy  at theta_0; copied
 *   data    [n][d] floats, borrowed until jebm_trainer_free()
 * JEBM_EINVAL (impossible settings, or a start that the energy cannot sample), JEBM_ENOMEM,
 * JEBM_EDIVERGE (an energy is not finite at the start). */
JEBM_API jebm_status jebm_trainer_new(const jebm_trainer_config *config, const jebm_energy *energy,
                                      size_t n, const float *data, jebm_trainer **out,
                                      jebm_error *err);
JEBM_API void jebm_trainer_free(jebm_trainer *t);

/* Bytes that a trainer of these settings takes, data not included. */
JEBM_API uint64_t jebm_trainer_bytes(const jebm_trainer_config *config, const jebm_energy *energy,
                                     size_t n);

/* One iteration. JEBM_EDIVERGE, with the iteration and the reason, if theta, an energy or a weight
 * is no longer finite, or if the weight sits on one walker although resampling is on; the trainer
 * is then good for jebm_trainer_free() only. */
JEBM_API jebm_status jebm_trainer_step(jebm_trainer *t, jebm_error *err);

/* What can be seen of population p at the present k. */
typedef struct jebm_observation {
    uint64_t k;
    double data_energy; /* mean of U_theta over the data */
    double log_z; /* eq. (12); NAN without evolving weights or without log Z at theta_0 */
    double log_z_se; /* standard error of log_z from this run alone, at most 1; but for multinomial
                        resampling an upper bound in practice: core/genealogy.h */
    double ess; /* eq. (13), before any resampling of iteration k */
    double ess_min; /* smallest of these since jebm_trainer_forget() */
    uint64_t resamplings; /* so far */
    double step_scale; /* mean factor that ess_cost put on the steps since then; 1 without */
} jebm_observation;
JEBM_API jebm_observation jebm_trainer_observe(const jebm_trainer *t, size_t population);

/* Bring energies and weights of all walkers, and the data energy, up to the present theta:
 * with gradient = batch, call it before jebm_trainer_observe() and jebm_trainer_ensemble();
 * without, it has nothing to do. No later number depends on when and how often. JEBM_EDIVERGE as
 * above. */
JEBM_API jebm_status jebm_trainer_settle(jebm_trainer *t, jebm_error *err);

/* Start ess_min, for every population, and step_scale anew. */
JEBM_API void jebm_trainer_forget(jebm_trainer *t);

/* The energy at theta_k, and a population's walkers. Borrowed; valid until the next step. */
JEBM_API const jebm_energy *jebm_trainer_energy(const jebm_trainer *t);
JEBM_API const jebm_ensemble *jebm_trainer_ensemble(const jebm_trainer *t, size_t population);

/* [n] the walker of k = 0 from which each walker of a population descends. Borrowed; valid until
 * the next step. */
JEBM_API const uint32_t *jebm_trainer_ancestors(const jebm_trainer *t, size_t population);

/* Mean of grad_theta U over population 0 with its weights, minus that over the data: the direction
 * D_k of eq. (11); with gradient = batch that of the step just made, D_{k-1}. [nparams], borrowed
 * until the next step. */
JEBM_API const double *jebm_trainer_direction(const jebm_trainer *t);

/* The arrays that decide the rest of the run; returns how many of arrays[capacity] are filled.
 * To restore: make a trainer of the same settings, overwrite these, call jebm_trainer_restored().
 */
JEBM_API size_t jebm_trainer_arrays(jebm_trainer *t, size_t capacity, jebm_array *arrays);
JEBM_API jebm_status jebm_trainer_restored(jebm_trainer *t, jebm_error *err);

#ifdef __cplusplus
}
#endif

#endif
