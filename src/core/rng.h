/* Counter-based random numbers: Philox4x32-10 (Salmon et al., SC11; Random123).
 *
 * A draw is a function of where it is used, never of what was drawn before: its block of four
 * 32-bit words is philox(key = (seed, stream), counter = (index, lane, step)). So nothing depends
 * on the number of threads, on the order of work, or on a restart, and there is no state to save.
 *
 *   seed    the run's seed; stream: the run, population, ... (any 64-bit number)
 *   index   32 bits: for normals, walker * ceil(d/4) + block of 4 coordinates
 *   lane    one value a call site (jebm_lane), so that two uses never share a draw
 *   step    64 bits: the iteration
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_RNG_H
#define JEBM_RNG_H

#include "core/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum jebm_lane {
    JEBM_LANE_NOISE, /* Langevin noise; inner step m of an iteration adds m * JEBM_LANE_STRIDE */
    JEBM_LANE_INIT, /* samples of the model at theta_0 */
    JEBM_LANE_MODE, /* which mode such a sample belongs to */
    JEBM_LANE_RESAMPLE, /* resampling */
    JEBM_LANE_RESET, /* which data point a walker starts at (CD, PCD) */
    JEBM_LANE_BATCH, /* mini-batch choice */
    JEBM_LANE_THETA, /* initial parameters */
    JEBM_LANE_STRIDE = 256 /* leaves room: a new lane moves no number */
} jebm_lane;

typedef struct jebm_rng {
    uint32_t key[2];
} jebm_rng;

/* Generator of (seed, stream). Distinct pairs give independent generators: the key is itself a
 * Philox hash of both. */
JEBM_API jebm_rng jebm_rng_make(uint64_t seed, uint64_t stream);

/* The four raw words at (index, lane, step). */
JEBM_API void jebm_rng_words(jebm_rng rng, uint32_t index, uint32_t lane, uint64_t step,
                             uint32_t words[4]);

/* One uniform on (0, 1], 52 bits: element `index` of what jebm_rng_uniforms() gives. */
JEBM_API double jebm_rng_uniform(jebm_rng rng, uint32_t index, uint32_t lane, uint64_t step);

/* out[0..n): uniforms on (0, 1], element i being draw first + i. first is even; first + n < 2^32.
 * Vectorised. */
JEBM_API void jebm_rng_uniforms(jebm_rng rng, uint32_t lane, uint64_t step, size_t first, size_t n,
                                double *out);

/* out [n][d]: scale times independent standard normals, row i for walker first + i. Coordinates
 * 4q .. 4q+3 come from block (first + i) ceil(d/4) + q: words (a, b) = (0, 1) give the first two,
 * words (2, 3) the others,
 *
 *   r s cos(phi), r sin(phi),   r = sqrt(-2 log u), u = (floor(a/2) + 1/2) / 2^31,
 *                               phi = pi b / 2^32 with b signed, s = -1 if a is odd, else 1.
 *
 * Box-Muller (two uniforms, two normals, always), so draws keep their addresses; single precision,
 * |normal| <= 6.66. (first + n) ceil(d/4) < 2^32. Vectorised. */
JEBM_API void jebm_rng_normals(jebm_rng rng, uint32_t lane, uint64_t step, size_t first, size_t n,
                               size_t d, float scale, float *out);

#ifdef __cplusplus
}
#endif

#endif
