/* What the trainer's files share: its state, and the parts of an iteration.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TRAINER_INTERNAL_H
#define JEBM_TRAINER_INTERNAL_H

#include "core/trainer.h"
#include "core/weights_internal.h"

/* step at which the walkers of k = 0 are drawn: none of an iteration's */
#define JEBM_START_STEP UINT64_MAX

/* what a checkpoint keeps of a population besides its arrays */
typedef struct population_state {
    double log_z; /* of the ensemble */
    double ess, ess_min; /* before resampling */
    double ess_now; /* after it: what a stale trigger sees next */
    double resamplings;
    double judged_at; /* gradient = batch: the k at which resampling was last considered */
} population_state;
#define STATE_DOUBLES (sizeof(population_state) / sizeof(double))

typedef struct population {
    jebm_ensemble e;
    jebm_rng rng;
    size_t batch; /* N' */
    population_state s;
    double log_mean_exp; /* of the present log-weights */
    size_t nblocks;
    uint32_t *order; /* [n] walkers of each block, those that move first */
    uint32_t *movers; /* [nblocks] how many of a block move */
    float *w; /* [n] exp(A_i - max of the block) */
    jebm_block_weights *part; /* [nblocks] */
    float *scratch; /* [nblocks][JEBM_LANGEVIN_ROWS][d] */
    uint32_t *parent, *copies; /* [n] */
    uint32_t *eve; /* [n] ancestor at k = 0 */
    double *resample;

    /* gradient = batch only */
    jebm_ensemble mini; /* the N' walkers of this iteration, side by side */
    uint32_t *members; /* [N'] which they are */
    double *base; /* [n] A_i + U(X_i): the part of A that theta does not change while X rests */
} population;

struct jebm_trainer {
    jebm_trainer_config c;
    jebm_weight_rule rule; /* frozen unless the method is jarzynski */
    jebm_energy *now, *next;
    jebm_optimizer optimizer;
    size_t n; /* data points */
    const float *data;
    size_t data_blocks; /* of all data */
    double *data_part; /* [data_blocks][nparams + 1], the last is sum U */
    double *walker_part; /* [blocks of population 0][nparams] */
    double *direction; /* [nparams] */
    double *model_mean; /* [nparams] the walkers' part of it */
    double weight_max, weight_total; /* p_i = exp(A_i - weight_max) / weight_total, population 0 */
    double data_energy;
    size_t npopulations;
    population pop[JEBM_MAX_POPULATIONS];
    uint64_t k;

    float *influence; /* [blocks of population 0][influence_width], leave_one_out only */
    size_t influence_width;

    /* gradient = batch only */
    bool settled; /* all walkers' energies, caches and weights are those under `now` */
    uint64_t ess_every;
    jebm_rng data_rng;
    float *data_rows; /* [data_batch][d] */
};

static inline bool jebm_trainer_lazy(const jebm_trainer *t) {
    return t->c.gradient == JEBM_GRADIENT_BATCH;
}

static inline size_t jebm_blocks_of(size_t n) {
    return (n + JEBM_BLOCK - 1) / JEBM_BLOCK;
}

/* size of block b of n walkers */
static inline size_t jebm_block_count(size_t n, size_t b) {
    const size_t left = n - b * JEBM_BLOCK;
    return left < JEBM_BLOCK ? left : JEBM_BLOCK;
}

/* ---- trainer_step.c ------------------------------------------------------------------------- */

/* JEBM_EDIVERGE with iteration and reason */
jebm_status jebm_trainer_diverged(const jebm_trainer *t, jebm_error *err, const char *what);

/* walkers first .. first + count of e return to data points chosen with replacement */
void jebm_trainer_reset(const jebm_trainer *t, population *p, uint64_t step, size_t first,
                        size_t count);

/* Algorithm 3 restarts before the moves of an iteration, the first gradient included */
bool jebm_trainer_resets_before_moves(const jebm_trainer *t);

/* iteration k for the walkers of block b: from `now`, under which they were evaluated, to `next` */
void jebm_trainer_move_block(jebm_trainer *t, population *p, size_t b, uint64_t k);

/* weights of block b of e, a population's walkers or its batch, and for population 0 its share of
 * the weighted gradient */
void jebm_trainer_weigh_block(jebm_trainer *t, population *p, const jebm_ensemble *e,
                              const jebm_energy *energy, size_t b);
void jebm_trainer_weigh_all(jebm_trainer *t, population *p, const jebm_energy *energy);

/* gradient and sum of U of block b of n points */
void jebm_trainer_data_block(jebm_trainer *t, const jebm_energy *energy, size_t n,
                             const float *points, size_t b);

/* log mean exp(A) and ESS of the parts of all walkers */
jebm_status jebm_trainer_combine_weights(jebm_trainer *t, population *p, jebm_error *err);

/* D_k of eq. (11) from the parts of nblocks blocks of walkers and of n points, in block order;
 * returns the mean energy of the points */
double jebm_trainer_combine_gradient(jebm_trainer *t, size_t nblocks, size_t n);

/* With all walkers of p weighed under `energy`: resample if it is due, and weigh again. ess_before:
 * what a stale trigger sees. */
jebm_status jebm_trainer_maybe_resample(jebm_trainer *t, population *p, const jebm_energy *energy,
                                        double ess_before, jebm_error *err);

/* theta_{k+1} in `next`, from the direction */
jebm_status jebm_trainer_update(jebm_trainer *t, jebm_error *err);
void jebm_trainer_swap(jebm_trainer *t);

/* ---- trainer_batch.c ------------------------------------------------------------------------ */

/* one iteration with gradient = batch */
jebm_status jebm_trainer_step_batch(jebm_trainer *t, jebm_error *err);

#endif
