/* The unadjusted Langevin move and its Jarzynski weight.
 *
 *   y = x - h b_k(x) + sqrt(2h) xi,    xi ~ N(0, I)
 *   A += U_k(x) - U_{k+1}(y) + log q_{k+1}(x|y) - log q_k(y|x),
 *   q_k(y|x) = N(y; x - h b_k(x), 2h I)
 *
 * keeps E[f(X) exp(A)] proportional to the integral of f exp(-U_{k+1}) for any deterministic drift
 * b_k; with b_k = grad U_k it is eq. (5)-(6) of the paper to the letter.
 *
 * U_k(x) and b_k(x) are those of the walker's last evaluation, kept in the ensemble, so a move
 * costs one evaluation of energy and gradient. Over several steps U telescopes: it is evaluated
 * at the last one only, which is what allows an energy to give its drift in low precision.
 *
 * With a bound B walkers live on [-B, B]^d: a coordinate that would leave it stays. For such a
 * coordinate log R(m') - log R(m) takes the place of its Gaussian term, R(m) being the probability
 * that N(m, 2h) is outside, m = x - h b_k(x) and m' = y - h b_{k+1}(y); the identity stays exact.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_LANGEVIN_H
#define JEBM_LANGEVIN_H

#include "core/ensemble.h"
#include "core/rng.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jebm_energy jebm_energy;

typedef enum jebm_weight_rule {
    JEBM_WEIGHTS_FROZEN, /* A stays (PCD, CD, unweighted) */
    JEBM_WEIGHTS_EXACT, /* the rule above */
    JEBM_WEIGHTS_RELEASED, /* the authors' released script, whose "previous position" is an alias of
                              the new one: A += U_k(y) - U_{k+1}(y)
                                                + h/4 (|grad U_k(y)|^2 - |grad U_{k+1}(y)|^2) */
    JEBM_WEIGHTS_CONTINUOUS, /* Proposition 2 in steps, theta moving while the walker is at y:
                                A += U_k(y) - U_{k+1}(y). Exact for h -> 0 */
    JEBM_WEIGHTS_COUNT
} jebm_weight_rule;

typedef struct jebm_move {
    double h; /* time step of ULA */
    jebm_weight_rule rule; /* what happens to A */
    double clip; /* drift coordinates are clamped to [-clip, clip]; 0: no clamp */
    double bound; /* B; 0: walkers live on R^d */
    double sigma; /* standard deviation of the noise; 0: sqrt(2h). The weights follow it */
    bool assume_2h; /* ... or do not, as in the released image code: q with 2h, noise with sigma */
    bool unweighed_refusal; /* released image code: a coordinate that stays counts as one moved */
    bool leave; /* frozen weights: U and cache after the last step are not wanted, and not
                   evaluated; a fused kernel does as it likes */
    jebm_rng rng;
    uint32_t lane; /* JEBM_LANE_NOISE + inner step * JEBM_LANE_STRIDE */
    uint64_t step; /* iteration, addresses the noise */
} jebm_move;

/* Walkers that are moved together, and rows of d floats of scratch that the functions below need.
 */
#define JEBM_LANGEVIN_TILE 32
#define JEBM_LANGEVIN_ROWS (6 * JEBM_LANGEVIN_TILE)

/* Evaluate walkers ids[0..m) (indices into e, distinct) under `energy`: fills U and cache. */
JEBM_API void jebm_langevin_begin(const jebm_energy *energy, size_t m, const uint32_t *ids,
                                  jebm_ensemble *e);

/* Move walkers ids[0..m) from theta_k (`now`, under which U and cache were evaluated) to
 * theta_{k+1}
 * (`next`), and update their A, U and cache. now may equal next.
 *   scratch  JEBM_LANGEVIN_ROWS * d floats, not shared between threads
 * Uses the energy's fused kernel where it has one and the move asks for nothing that it lacks. */
JEBM_API void jebm_langevin_step(const jebm_energy *now, const jebm_energy *next,
                                 const jebm_move *move, size_t m, const uint32_t *ids,
                                 jebm_ensemble *e, float *scratch);

/* The same for several steps, all but the first under theta_{k+1} throughout; step s (0-based)
 * takes its noise from lane move->lane + s * JEBM_LANE_STRIDE. steps >= 1. */
JEBM_API void jebm_langevin_walk(const jebm_energy *now, const jebm_energy *next,
                                 const jebm_move *move, size_t steps, size_t m, const uint32_t *ids,
                                 jebm_ensemble *e, float *scratch);

/* Walkers that stay where they are while theta moves (Algorithm 2, frozen walkers):
 * A += U_k(x) - U_{k+1}(x); U and cache are evaluated under `next`. */
JEBM_API void jebm_langevin_frozen(const jebm_energy *next, jebm_weight_rule rule, size_t m,
                                   const uint32_t *ids, jebm_ensemble *e);

#ifdef __cplusplus
}
#endif

#endif
