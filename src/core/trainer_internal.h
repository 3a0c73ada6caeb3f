/* What the trainer's files share: its state, and the parts of an iteration.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TRAINER_INTERNAL_H
#define JEBM_TRAINER_INTERNAL_H

#include "core/threads.h"
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

/* and of the step control */
typedef struct step_state {
    double scale; /* of the last step */
    double sum, count; /* of the scales since jebm_trainer_forget() */
} step_state;
#define DOUBLES(type) (sizeof(type) / sizeof(double))

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
    uint32_t *parent, *copies; /* [n] */
    uint32_t *eve; /* [n] ancestor at k = 0 */
    double *resample;

    /* gradient = batch only */
    jebm_ensemble mini; /* the N' walkers of this iteration, side by side */
    uint32_t *members; /* [N'] which they are */
    double *base; /* [n] A_i + U(X_i): the part of A that theta does not change while X rests */
} population;

/* Sums of gradients over consecutive blocks. There are as many parts as blocks where that is cheap,
 * and fewer, each of several blocks, where parameters are many: by size, never by threads. */
typedef struct gradient_parts {
    size_t n; /* most parts at a time */
    double *sum; /* [n][nparams] */
    double *U; /* [n] sum of U, of data */
    double *max; /* [n] sum is relative to weights exp(A - max), of walkers */
    double *scale; /* [n] exp(max - largest max), when they are combined */
} gradient_parts;

struct jebm_trainer {
    jebm_trainer_config c;
    jebm_weight_rule rule; /* frozen unless the method is jarzynski */
    jebm_energy *now, *next;
    jebm_optimizer optimizer;
    size_t n; /* data points */
    const float *data;
    size_t block; /* walkers or points of a block */
    size_t data_blocks; /* of all data */
    gradient_parts data_part, walker_part; /* of population 0 */
    size_t threads;
    float *scratch; /* [threads][JEBM_LANGEVIN_ROWS][d] */
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
    bool settled; /* all walkers' energies and weights are those under `now` */
    uint64_t ess_every;
    jebm_rng data_rng;
    float *data_rows; /* [data_batch][d] */
    double *data_U; /* [data_blocks] sum of U of all data */
    step_state control;
};

static inline bool jebm_trainer_lazy(const jebm_trainer *t) {
    return t->c.gradient == JEBM_GRADIENT_BATCH;
}

static inline size_t jebm_blocks_of(const jebm_trainer *t, size_t n) {
    return (n + t->block - 1) / t->block;
}

/* size of block b of n walkers */
static inline size_t jebm_block_count(const jebm_trainer *t, size_t n, size_t b) {
    const size_t left = n - b * t->block;
    return left < t->block ? left : t->block;
}

/* the parts of nblocks blocks, and the blocks [first, end) of part i */
static inline size_t jebm_parts_of(const gradient_parts *parts, size_t nblocks) {
    return nblocks < parts->n ? nblocks : parts->n;
}

static inline size_t jebm_part_first(size_t nparts, size_t nblocks, size_t i) {
    return i * nblocks / nparts;
}

/* Is work of so many parts worth waking a team? One part is not. But an energy that moves by its
 * own evaluations may use a library that has threads too, and keeps to one inside a team only. */
static inline bool jebm_trainer_shares(const jebm_trainer *t, size_t nparts) {
    return nparts > 1 || t->now->ops->step == NULL;
}

/* this thread's scratch of a move */
static inline float *jebm_trainer_scratch(const jebm_trainer *t) {
    return t->scratch + jebm_thread_index() * JEBM_LANGEVIN_ROWS * t->now->d;
}

/* ---- trainer.c ------------------------------------------------------------------------------- */

/* Scratch for the threads of the next parallel regions, of which there may be more than before. */
jebm_status jebm_trainer_room(jebm_trainer *t, jebm_error *err);

/* ---- trainer_step.c ------------------------------------------------------------------------- */

/* JEBM_EDIVERGE with iteration and reason */
jebm_status jebm_trainer_diverged(const jebm_trainer *t, jebm_error *err, const char *what);

/* walkers first .. first + count of e return to data points chosen with replacement */
void jebm_trainer_reset(const jebm_trainer *t, const population *p, jebm_ensemble *e, uint64_t step,
                        size_t first, size_t count);

/* Algorithm 3 restarts before the moves of an iteration, the first gradient included */
bool jebm_trainer_resets_before_moves(const jebm_trainer *t);

/* a move of iteration k */
jebm_move jebm_trainer_move(const jebm_trainer *t, const population *p, uint64_t k);

/* iteration k for the walkers of block b: from `now`, under which they were evaluated, to `next` */
void jebm_trainer_move_block(jebm_trainer *t, population *p, size_t b, uint64_t k);

/* weights of block b of e, a population's walkers or its batch */
void jebm_trainer_weigh_block(const jebm_trainer *t, population *p, const jebm_ensemble *e,
                              size_t b);

/* add the weighted gradient of block b of e, just weighed, to part i; first: the part's first */
void jebm_trainer_gather_gradient(jebm_trainer *t, population *p, const jebm_ensemble *e,
                                  const jebm_energy *energy, size_t b, size_t i, bool first);

/* gradient and sum of U of the blocks of part i of nparts of n points */
void jebm_trainer_data_part(jebm_trainer *t, const jebm_energy *energy, size_t n,
                            const float *points, size_t nparts, size_t i);

/* log mean exp(A) and ESS of the parts of all walkers */
jebm_status jebm_trainer_combine_weights(jebm_trainer *t, population *p, jebm_error *err);

/* D_k of eq. (11) from the parts of nblocks blocks of walkers and of n points, in their order;
 * returns the mean energy of the points */
double jebm_trainer_combine_gradient(jebm_trainer *t, size_t nblocks, size_t n);

/* With all walkers of p weighed under `energy`: resample if it is due, and combine the weights
 * anew. ess_before: what a stale trigger sees. */
jebm_status jebm_trainer_maybe_resample(jebm_trainer *t, population *p, const jebm_energy *energy,
                                        double ess_before, jebm_error *err);

/* walkers of all blocks: weights, and gradient of population 0 */
void jebm_trainer_weigh_all(jebm_trainer *t, population *p, const jebm_energy *energy);

/* theta_{k+1} in `next`, from the direction; next is still to be refreshed */
jebm_status jebm_trainer_update(jebm_trainer *t, jebm_error *err);
void jebm_trainer_swap(jebm_trainer *t);

/* ---- trainer_batch.c ------------------------------------------------------------------------ */

/* one iteration with gradient = batch */
jebm_status jebm_trainer_step_batch(jebm_trainer *t, jebm_error *err);

/* burn_in steps of all walkers of p, whose base is up to date */
void jebm_trainer_burn_in(jebm_trainer *t, population *p);

#endif
