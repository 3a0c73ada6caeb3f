/* PCD and Algorithm 2 side by side: two trainers of one energy, of the same sizes, that take turns.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_BENCH_PAIR_H
#define JEBM_BENCH_PAIR_H

#include "core/trainer.h"
#include "nn/gemm.h"

/* What is trained: the mixture of Figure 1 (d = 50), the paper's MNIST network (d = 784), and the
 * networks of Nijkamp et al. with 32 and 64 features that the paper uses for CIFAR-10 (d = 3072).
 */
typedef enum pair_energy {
    PAIR_GMM,
    PAIR_MNIST,
    PAIR_CIFAR32,
    PAIR_CIFAR64,
    PAIR_COUNT
} pair_energy;
#define PAIR_NAMES "gmm|mnist|cifar32|cifar64"

/* The time that passes; or processor time of all threads, of which the system sees those that run
 * only at its ticks of some milliseconds: exact with one thread, rough with more. */
typedef enum pair_clock { PAIR_WALL, PAIR_CPU } pair_clock;

typedef struct pair_config {
    pair_energy energy;
    size_t batch; /* N', walkers and data points of an iteration */
    size_t share; /* N/N' */
    size_t inner; /* M, ULA steps of an iteration */
    jebm_gemm_backend backend; /* of the networks */
    pair_clock clock;
    uint64_t seed;
} pair_config;

/* Parts of an iteration of Algorithm 2, each timed by itself at the same sizes. */
typedef enum pair_part {
    PAIR_DRIFT, /* M moves but for their noise */
    PAIR_NOISE, /* normals of M moves */
    PAIR_GRADIENT, /* theta's gradients of walkers and data */
    PAIR_COPY, /* choosing a mini-batch, copying its walkers and data there and back */
    PAIR_UPDATE, /* adding up gradients, the optimizer, what the energy derives from theta */
    PAIR_LAST, /* the evaluation where a walker ends, which nothing but its weight needs */
    PAIR_WEIGHTS, /* what M moves cost more when they are weighed */
    PAIR_SETTLE, /* energies of all walkers when they are looked at, every N/N' iterations */
    PAIR_RESAMPLE, /* as often as it was due */
    PAIR_PARTS
} pair_part;
#define PAIR_OF_WEIGHTS PAIR_LAST /* from here on PCD does without */

/* ns an iteration */
typedef struct pair_times {
    double jarzynski, pcd, part[PAIR_PARTS];
} pair_times;

typedef struct pair pair;

/* Make both trainers and let each take a few iterations. JEBM_EDIVERGE if one of them did no finite
 * work: theta must have moved, and the weights must be uneven. */
jebm_status pair_new(const pair_config *config, pair **out, jebm_error *err);
void pair_free(pair *p);

/* About what it takes; 0 if it cannot be made, as pair_new() will say. */
uint64_t pair_bytes(const pair_config *config);

/* An iteration of Algorithm 2 alone. */
jebm_status pair_iterate(pair *p, jebm_error *err);

/* Time some iterations of each, who goes first changing from call to call, and the parts. */
jebm_status pair_time(pair *p, pair_times *times, jebm_error *err);

#endif
