/* The Gaussian-mixture experiment that jebm-gmm and jebm-resampling share: a teacher with modes at
 * a* e_1 and b* e_1 and masses p*, 1 - p* makes the data; a student of the same family is trained.
 * Its partition function is known, so every estimate is checked against the exact value.
 *
 * A driver says by a mixture_cell what differs between its cells; everything else comes from keys
 * of the preset, which a driver lists by MIXTURE_KEYS among its own.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_GMM_MIXTURE_H
#define JEBM_GMM_MIXTURE_H

#include "app/driver.h"
#include "core/trainer.h"
#include "energy/gmm.h"

#define KEY_COUNT(low, high) JEBM_KEY_COUNT, low, high, false, false, NULL
#define KEY_REAL(low, high, open_low, open_high) JEBM_KEY_REAL, low, high, open_low, open_high, NULL
#define KEY_REALS(low, high, open_low) JEBM_KEY_REALS, low, high, open_low, false, NULL
#define KEY_CHOICE(words) JEBM_KEY_CHOICE, 0, 0, false, false, words
#define KEY_WORDS(words) JEBM_KEY_WORDS, 0, 0, false, false, words
#define KEY_BOOL JEBM_KEY_BOOL, 0, 0, false, false, NULL

/* words in the order of jebm_resampling */
#define MIXTURE_SCHEMES "multinomial|stratified|systematic|residual|ssp|killing"

/* clang-format off */
#define MIXTURE_KEYS                                                                               \
    /* the teacher and its data */                                                                 \
    {"d", KEY_COUNT(1, JEBM_GMM_MAX_D), NULL, "dimension d"},                                      \
    {"a_star", KEY_REAL(-1e4, 1e4, false, false), NULL, "first coordinate of the mean a*"},        \
    {"b_star", KEY_REAL(-1e4, 1e4, false, false), NULL, "first coordinate of the mean b*"},        \
    {"p_star", KEY_REAL(0, 1, true, true), NULL, "mass p* of mode a, 1/(1+exp(-z*))"},             \
    {"data", KEY_COUNT(1, 1e9), NULL, "data points n"},                                            \
    {"data_split", KEY_CHOICE("random|exact"), "random",                                           \
     "mode of a data point: drawn, or floor(n p*) in mode a"},                                     \
    {"data_shared", KEY_BOOL, "no", "all runs train on the same data"},                            \
    /* the student's start */                                                                      \
    {"means_start", KEY_CHOICE("given|random|teacher"), "given",                                   \
     "means start as first_start and sigma_start say, as sigma_start times N(0,1) in every "       \
     "coordinate (the one nearer a* is a), or at a* and b*"},                                      \
    {"first_start", KEY_REAL(-1e4, 1e4, false, false), "0.1",                                      \
     "first coordinates start at -this (a) and +this (b)"},                                        \
    {"sigma_start", KEY_REAL(0, 1e3, false, false), "0.01",                                        \
     "other coordinates start at this times N(0,1)"},                                              \
    {"z_start", KEY_REAL(-50, 50, false, false), "0", "z_0"},                                      \
    {"start_split", KEY_CHOICE("random|exact"), "random",                                          \
     "mode of a walker at theta_0: drawn, or its expected share each"},                            \
    {"data_start", KEY_CHOICE("drawn|each"), "drawn",                                              \
     "pcd and cd start at data points drawn with replacement, or walker i at point i mod n"},      \
    /* the walkers */                                                                              \
    {"walkers", KEY_COUNT(1, 4e9), NULL, "walkers N"},                                             \
    {"evaluation", KEY_COUNT(0, 4e9), "0",                                                         \
     "weighted methods: walkers of a second population that follows theta but never enters the "   \
     "gradient; 0: none"},  \
    {"batch", KEY_COUNT(0, 4e9), "0", "walkers N' that move in an iteration (cd: always all); 0: all"},             \
    {"gradient", KEY_CHOICE("all|batch"), "all",                                                   \
     "averages over all walkers, or over the N' that move"},                                       \
    {"data_batch", KEY_COUNT(0, 1e9), "0",                                                         \
     "with gradient = batch: data points n' an iteration; 0: all"},                                \
    {"ess_every", KEY_COUNT(0, 1e9), "0",                                                          \
     "with gradient = batch: iterations between two looks at the ESS; 0: N/N'"},                   \
    {"h", KEY_REAL(0, 2, true, true), NULL, "time step of ULA"},                                   \
    {"inner", KEY_COUNT(1, 1e6), "1", "ULA steps M an iteration"},                                 \
    {"weights", KEY_CHOICE("exact|released|continuous"), "exact",                                  \
     "log-weights by eq. (5)-(6), as the released script computes them, or by Proposition 2"},     \
    {"resample_from", KEY_COUNT(0, 1e18), "0", "no resampling before this iteration"},             \
    {"stale_trigger", KEY_BOOL, "no",                                                              \
     "judge by the weights of the iteration before, as the released script does"},                 \
    /* the optimizer */                                                                            \
    {"gamma_ab", KEY_REAL(0, 1e6, false, false), NULL, "learning rate of the means"},              \
    {"gamma_z", KEY_REAL(0, 1e6, false, false), NULL, "learning rate of z"},                       \
    {"rate_unit", KEY_CHOICE("step|time"), "step",                                                 \
     "rates as printed, per iteration; or per unit of time, times h"},                             \
    {"optimizer", KEY_CHOICE("gd|adam"), "gd", "gradient descent or Adam"},                        \
    {"final_rate", KEY_REAL(0, 1, false, false), "1",                                              \
     "rates fall linearly to this factor at the last iteration"}
/* clang-format on */

/* What may differ from cell to cell. */
typedef struct mixture_cell {
    size_t stream; /* < 2^24, of its random numbers */
    jebm_method method;
    jebm_weight_rule rule;
    bool leave_one_out;
    size_t walkers;
    double rate_factor; /* on both learning rates */
    size_t cd_steps;
    jebm_cd_schedule cd_schedule;
    jebm_resampling scheme;
    jebm_trigger trigger;
    double threshold;
    uint64_t interval;
} mixture_cell;

/* A cell of a method as the preset's keys have it, without resampling. */
mixture_cell mixture_cell_of(const jebm_preset *preset, jebm_method method);

extern const char *const mixture_columns[];
extern const size_t mixture_ncolumns;

/* What no single key can show. cells[ncells] are all that will run. */
jebm_status mixture_check(const jebm_preset *preset, size_t ncells, const mixture_cell *cells,
                          jebm_error *err);

/* Bytes that a run of the cell takes, and the key to lower. */
uint64_t mixture_memory(const jebm_preset *preset, const mixture_cell *cell, const char **key);

/* The rest of a driver: see app/driver.h. */
jebm_status mixture_open(const jebm_preset *preset, const mixture_cell *cell, size_t run,
                         void **state, jebm_error *err);
jebm_status mixture_step(void *state, jebm_error *err);
jebm_status mixture_record(void *state, double *row, jebm_error *err);
size_t mixture_arrays(void *state, jebm_array list[JEBM_MAX_STATE]);
jebm_status mixture_restored(void *state, jebm_error *err);
void mixture_close(void *state);

#endif
