/* jebm-resampling: what resampling does to training (App. B.1, figures 9 and 10): the mixture of
 * Section 4.1 trained without resampling, and with each scheme at fixed lags or by the ESS.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "mixture.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const jebm_key keys[] = {
    MIXTURE_KEYS,
    {"schemes", KEY_WORDS("never|" MIXTURE_SCHEMES), NULL,
     "resampling schemes to compare; never: one cell without resampling"},
    {"lags", KEY_REALS(0, 1e9, false), "0",
     "iterations between resamplings, a variant of each scheme; 0: none"},
    {"ess", KEY_REALS(0, 1, false), "0",
     "thresholds of the ESS below which to resample, a variant of each scheme; 0: none"},
};

/* ---- cells ---------------------------------------------------------------------------------- */

/* A cell's number is its scheme, shifted, and which lag or threshold. NEVER is a scheme of its own.
 */
enum { NEVER = JEBM_RESAMPLING_COUNT };
enum { FIRST_LAG = 0, FIRST_ESS = 32 };

static size_t listed(const jebm_preset *preset, const char *key, double values[32]) {
    const size_t n = jebm_preset_reals(preset, key, values);
    return n == 1 && values[0] == 0.0 ? 0 : n;
}

static mixture_cell cell_of(const jebm_preset *preset, size_t code) {
    const size_t scheme = code >> 8, variant = code & 255;
    mixture_cell cell = mixture_cell_of(preset, JEBM_METHOD_JARZYNSKI);
    double values[32];
    cell.stream = code;
    if (scheme == NEVER) {
        return cell;
    }
    cell.scheme = (jebm_resampling)scheme;
    if (variant >= FIRST_ESS) {
        listed(preset, "ess", values);
        cell.trigger = JEBM_TRIGGER_ESS;
        cell.threshold = values[variant - FIRST_ESS];
    } else {
        listed(preset, "lags", values);
        cell.trigger = JEBM_TRIGGER_INTERVAL;
        cell.interval = (uint64_t)values[variant - FIRST_LAG];
    }
    return cell;
}

/* ---- plan ----------------------------------------------------------------------------------- */

static jebm_status check_list(const char *key, size_t n, const double *values, double low,
                              bool whole, jebm_error *err) {
    for (size_t i = 0; i < n; i++) {
        if (values[i] < low || (whole && values[i] != floor(values[i]))) {
            return jebm_fail(err, JEBM_EINVAL, "key '%s' lists %g, expected %s", key, values[i],
                             whole ? "whole numbers from 1" : "thresholds above 0");
        }
        for (size_t j = 0; j < i; j++) {
            if (values[i] == values[j]) {
                return jebm_fail(err, JEBM_EINVAL,
                                 "key '%s' lists %g twice, expected distinct values", key,
                                 values[i]);
            }
        }
    }
    return JEBM_OK;
}

static jebm_status add_cell(jebm_cell *cells, size_t *n, size_t code, const char *name,
                            const char *variant, double value, jebm_error *err) {
    if (*n == JEBM_MAX_CELLS) {
        return jebm_fail(err, JEBM_EINVAL,
                         "more than %d cells: fewer 'schemes', 'lags' or thresholds 'ess'",
                         JEBM_MAX_CELLS);
    }
    jebm_cell *cell = &cells[(*n)++];
    cell->index = code;
    snprintf(cell->method, sizeof cell->method, "%s", name);
    snprintf(cell->variant, sizeof cell->variant, "%s%.10g", variant, value);
    return JEBM_OK;
}

static jebm_status add_scheme(const jebm_preset *preset, size_t scheme, jebm_cell *cells,
                              size_t *ncells, jebm_error *err) {
    double lags[32], thresholds[32];
    const size_t nlags = listed(preset, "lags", lags), ness = listed(preset, "ess", thresholds);
    const char *name = jebm_resampling_name((jebm_resampling)scheme);
    JEBM_TRY(check_list("lags", nlags, lags, 1.0, true, err));
    JEBM_TRY(check_list("ess", ness, thresholds, 1e-300, false, err));
    if (nlags + ness == 0) {
        return jebm_fail(err, JEBM_EINVAL,
                         "key 'schemes' has %s, but neither 'lags' nor 'ess' says when to resample",
                         name);
    }
    for (size_t i = 0; i < nlags; i++) {
        JEBM_TRY(
            add_cell(cells, ncells, scheme << 8 | (FIRST_LAG + i), name, "lag=", lags[i], err));
    }
    for (size_t i = 0; i < ness; i++) {
        JEBM_TRY(add_cell(cells, ncells, scheme << 8 | (FIRST_ESS + i), name, "ess=", thresholds[i],
                          err));
    }
    return JEBM_OK;
}

static jebm_status plan(const jebm_preset *preset, jebm_cell *cells, size_t *ncells,
                        jebm_error *err) {
    mixture_cell settings[JEBM_MAX_CELLS];
    *ncells = 0;
    if (jebm_preset_has(preset, "schemes", "never")) {
        jebm_cell *cell = &cells[(*ncells)++];
        *cell = (jebm_cell){.method = "jarzynski", .variant = "never", .index = NEVER << 8};
    }
    for (size_t s = 0; s < JEBM_RESAMPLING_COUNT; s++) {
        if (jebm_preset_has(preset, "schemes", jebm_resampling_name((jebm_resampling)s))) {
            JEBM_TRY(add_scheme(preset, s, cells, ncells, err));
        }
    }
    for (size_t i = 0; i < *ncells; i++) {
        settings[i] = cell_of(preset, cells[i].index);
    }
    return mixture_check(preset, *ncells, settings, err);
}

static uint64_t memory(const jebm_preset *preset, const char **key) {
    const mixture_cell cell = mixture_cell_of(preset, JEBM_METHOD_JARZYNSKI);
    return mixture_memory(preset, &cell, key);
}

static jebm_status open_run(const jebm_preset *preset, const jebm_cell *cell, size_t run,
                            void **state, jebm_error *err) {
    const mixture_cell settings = cell_of(preset, cell->index);
    return mixture_open(preset, &settings, run, state, err);
}

/* ---- columns -------------------------------------------------------------------------------- */

/* of the mixture's columns, what these figures are about: they have a thousand runs */
static const char *const columns[] = {"p",       "kl_exact",    "kl_estimate", "ess",
                                      "ess_min", "resamplings", "fraction_a",  "data_fraction_a"};
#define COLUMNS (sizeof columns / sizeof columns[0])

static jebm_status record(void *state, double *row, jebm_error *err) {
    double all[64];
    assert(mixture_ncolumns <= sizeof all / sizeof all[0]);
    JEBM_TRY(mixture_record(state, all, err));
    for (size_t i = 0, j = 0; i < COLUMNS; i++) {
        /* both lists are in the same order */
        while (strcmp(mixture_columns[j], columns[i]) != 0) {
            j++;
        }
        row[i] = all[j];
    }
    return JEBM_OK;
}

int main(int argc, char **argv) {
    const jebm_driver driver = {.program = "jebm-resampling",
                                .purpose = "Resampling in training: figures 9 and 10",
                                .presets = "replications/resampling/presets/resampling.ini",
                                .keys = keys,
                                .nkeys = sizeof keys / sizeof keys[0],
                                .columns = columns,
                                .ncolumns = COLUMNS,
                                .plan = plan,
                                .memory = memory,
                                .open = open_run,
                                .step = mixture_step,
                                .record = record,
                                .arrays = mixture_arrays,
                                .restored = mixture_restored,
                                .close = mixture_close};
    return jebm_app_main(&driver, argc, argv);
}
