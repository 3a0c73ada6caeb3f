/* jebm-gmm: the Gaussian-mixture experiments of Section 4.1, App. B.1 and App. C (figures 1, 6, 7,
 * 8 and 14), and the study of what self-fitting does (figure bias, docs/BIAS.md).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "mixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* order as in the choices of the keys below */
enum { TRIGGER_ESS, TRIGGER_CV, TRIGGER_INTERVAL, TRIGGER_NEVER };

static const jebm_key keys[] = {
    MIXTURE_KEYS,
    {"methods", KEY_WORDS("jarzynski|jarzynski_continuous|jarzynski_loo|unweighted|pcd|cd"), NULL,
     "algorithms to run; the second weighs by Proposition 2, the third leaves one out"},
    {"cd_steps", KEY_COUNT(1, 1e6), "4", "ULA steps P between restarts of CD"},
    {"cd_schedule", KEY_CHOICE("per_iteration|interleaved"), "per_iteration",
     "CD as Algorithm 3 (restart, P moves, gradient) or with a gradient after every move"},
    {"cd_rate", KEY_REAL(0, 1e6, true, false), "10", "factor on both rates for CD"},
    {"resampling", KEY_CHOICE(MIXTURE_SCHEMES), "systematic", "resampling scheme"},
    {"trigger", KEY_CHOICE("ess|cv|interval|never"), "ess", "when to resample"},
    {"c", KEY_REALS(0, 1e6, true), "0.1",
     "thresholds c, a variant each: resample when ESS < 1/(1+c), or CV > sqrt(c)"},
    {"ess_threshold", KEY_REAL(0, 1, false, false), "0",
     "one ESS threshold instead of those of c; 0: use c"},
    {"lag", KEY_COUNT(1, 1e9), "100", "iterations between resamplings of trigger interval"},
    {"sweep_walkers", KEY_REALS(0, 4e9, false), "0",
     "numbers of walkers N, a variant each, instead of walkers; 0: none"},
    {"sweep_gamma_ab", KEY_REALS(0, 1e6, false), "0",
     "rates of the means, a variant each, gamma_z in proportion; 0: none"},
};

/* ---- cells ---------------------------------------------------------------------------------- */

/* A cell's number says what it is: method, and which threshold, N or rate. So its random numbers do
 * not depend on which other cells there are. The first four methods are the trainer's. */
enum { METHOD_CONTINUOUS = JEBM_METHOD_COUNT, METHOD_LOO, METHODS };
enum { FIRST_THRESHOLD = 0, FIRST_WALKERS = 32, FIRST_RATE = 64 };

static const char *method_name(size_t method) {
    return method == METHOD_CONTINUOUS ? "jarzynski_continuous"
           : method == METHOD_LOO      ? "jarzynski_loo"
                                       : jebm_method_name((jebm_method)method);
}

static bool weighted(size_t method) {
    return method == JEBM_METHOD_JARZYNSKI || method == METHOD_CONTINUOUS || method == METHOD_LOO;
}

static void set_resampling(const jebm_preset *preset, size_t variant, mixture_cell *cell) {
    static const jebm_trigger triggers[] = {[TRIGGER_ESS] = JEBM_TRIGGER_ESS,
                                            [TRIGGER_CV] = JEBM_TRIGGER_CV,
                                            [TRIGGER_INTERVAL] = JEBM_TRIGGER_INTERVAL,
                                            [TRIGGER_NEVER] = JEBM_TRIGGER_NEVER};
    const double single = jebm_preset_real(preset, "ess_threshold");
    double list[32];
    jebm_preset_reals(preset, "c", list);
    const double c = list[variant < FIRST_WALKERS ? variant - FIRST_THRESHOLD : 0];
    cell->scheme = (jebm_resampling)jebm_preset_choice(preset, "resampling");
    cell->trigger = triggers[jebm_preset_choice(preset, "trigger")];
    cell->interval = jebm_preset_count(preset, "lag");
    cell->threshold = cell->trigger == JEBM_TRIGGER_CV ? sqrt(c)
                      : single > 0.0                   ? single
                                                       : 1.0 / (1.0 + c);
}

static mixture_cell cell_of(const jebm_preset *preset, size_t code) {
    const size_t method = code >> 8, variant = code & 255;
    double list[32];
    mixture_cell cell =
        mixture_cell_of(preset, weighted(method) ? JEBM_METHOD_JARZYNSKI : (jebm_method)method);
    cell.stream = code;
    cell.leave_one_out = method == METHOD_LOO;
    cell.rule = method == METHOD_CONTINUOUS ? JEBM_WEIGHTS_CONTINUOUS : cell.rule;
    if (weighted(method)) {
        set_resampling(preset, variant, &cell);
    }
    if (method == JEBM_METHOD_CD) {
        cell.cd_steps = jebm_preset_count(preset, "cd_steps");
        cell.cd_schedule = (jebm_cd_schedule)jebm_preset_choice(preset, "cd_schedule");
        cell.rate_factor = jebm_preset_real(preset, "cd_rate");
    }
    if (variant >= FIRST_RATE) {
        jebm_preset_reals(preset, "sweep_gamma_ab", list);
        cell.rate_factor *= list[variant - FIRST_RATE] / jebm_preset_real(preset, "gamma_ab");
    } else if (variant >= FIRST_WALKERS) {
        jebm_preset_reals(preset, "sweep_walkers", list);
        cell.walkers = (size_t)list[variant - FIRST_WALKERS];
    }
    return cell;
}

/* ---- plan ----------------------------------------------------------------------------------- */

typedef struct plan_list {
    jebm_cell *cells;
    size_t n, method;
} plan_list;

static void add_cell(plan_list *list, size_t variant, const char *name, double value) {
    jebm_cell *cell = &list->cells[list->n++];
    snprintf(cell->method, sizeof cell->method, "%s", method_name(list->method));
    if (strchr(name, '=') != NULL) {
        snprintf(cell->variant, sizeof cell->variant, "%s%.10g", name, value);
    } else {
        snprintf(cell->variant, sizeof cell->variant, "%s", name);
    }
    cell->index = list->method << 8 | variant;
}

/* the values of a sweep, unless it is "0" */
static size_t sweep(const jebm_preset *preset, const char *key, double values[32]) {
    const size_t n = jebm_preset_reals(preset, key, values);
    return n == 1 && values[0] == 0.0 ? 0 : n;
}

static void add_variants(const jebm_preset *preset, plan_list *list) {
    const size_t trigger = jebm_preset_choice(preset, "trigger");
    const double single = jebm_preset_real(preset, "ess_threshold");
    double values[32], rates[32];
    const size_t nwalkers = sweep(preset, "sweep_walkers", values),
                 nrates = sweep(preset, "sweep_gamma_ab", rates);
    for (size_t i = 0; i < nwalkers; i++) {
        add_cell(list, FIRST_WALKERS + i, "walkers=", values[i]);
    }
    for (size_t i = 0; i < nrates; i++) {
        add_cell(list, FIRST_RATE + i, "gamma_ab=", rates[i]);
    }
    if (nwalkers + nrates > 0) {
        return;
    }
    if (!weighted(list->method)) {
        add_cell(list, 0, "-", 0.0);
    } else if (trigger == TRIGGER_NEVER) {
        add_cell(list, 0, "never", 0.0);
    } else if (trigger == TRIGGER_INTERVAL) {
        add_cell(list, 0, "lag=", (double)jebm_preset_count(preset, "lag"));
    } else if (single > 0.0) {
        add_cell(list, 0, "ess=", single);
    } else {
        const size_t n = jebm_preset_reals(preset, "c", values);
        for (size_t i = 0; i < n; i++) {
            add_cell(list, FIRST_THRESHOLD + i, "c=", values[i]);
        }
    }
}

static jebm_status check_lists(const jebm_preset *preset, jebm_error *err) {
    double list[32];
    JEBM_TRY(jebm_preset_distinct(preset, "c", err));
    JEBM_TRY(jebm_preset_distinct(preset, "sweep_walkers", err));
    JEBM_TRY(jebm_preset_distinct(preset, "sweep_gamma_ab", err));
    const size_t n = sweep(preset, "sweep_walkers", list);
    for (size_t i = 0; i < n; i++) {
        if (list[i] < 1.0 || list[i] != floor(list[i])) {
            return jebm_fail(err, JEBM_EINVAL,
                             "key 'sweep_walkers' lists %g, expected whole numbers from 1",
                             list[i]);
        }
    }
    if (sweep(preset, "sweep_gamma_ab", list) > 0 && jebm_preset_real(preset, "gamma_ab") == 0.0) {
        return jebm_fail(
            err, JEBM_EINVAL,
            "key 'sweep_gamma_ab' is set, but gamma_ab is 0: gamma_z has nothing to be "
            "in proportion to");
    }
    if (jebm_preset_real(preset, "ess_threshold") > 0.0 &&
        jebm_preset_choice(preset, "trigger") != TRIGGER_ESS) {
        return jebm_fail(err, JEBM_EINVAL,
                         "key 'ess_threshold' is set, but trigger is '%s', expected ess",
                         jebm_preset_text(preset, "trigger"));
    }
    return JEBM_OK;
}

static jebm_status plan(const jebm_preset *preset, jebm_cell *cells, size_t *ncells,
                        jebm_error *err) {
    /* more than JEBM_MAX_CELLS could be asked for: 64 variants of each method */
    jebm_cell all[METHODS * 64];
    mixture_cell settings[JEBM_MAX_CELLS];
    plan_list list = {.cells = all};
    JEBM_TRY(check_lists(preset, err));
    for (list.method = 0; list.method < METHODS; list.method++) {
        if (jebm_preset_has(preset, "methods", method_name(list.method))) {
            add_variants(preset, &list);
        }
    }
    if (list.n > JEBM_MAX_CELLS) {
        return jebm_fail(err, JEBM_EINVAL, "%zu cells (methods x variants), expected at most %d",
                         list.n, JEBM_MAX_CELLS);
    }
    *ncells = list.n;
    memcpy(cells, all, list.n * sizeof *cells);
    for (size_t i = 0; i < list.n; i++) {
        settings[i] = cell_of(preset, cells[i].index);
    }
    return mixture_check(preset, list.n, settings, err);
}

static uint64_t memory(const jebm_preset *preset, const char **key) {
    jebm_cell cells[JEBM_MAX_CELLS];
    size_t n = 0;
    uint64_t most = 0;
    if (plan(preset, cells, &n, NULL) != JEBM_OK) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const mixture_cell cell = cell_of(preset, cells[i].index);
        const char *name = NULL;
        const uint64_t bytes = mixture_memory(preset, &cell, &name);
        if (bytes > most) {
            most = bytes;
            *key = name;
        }
    }
    return most;
}

static jebm_status open_run(const jebm_preset *preset, const jebm_cell *cell, size_t run,
                            void **state, jebm_error *err) {
    const mixture_cell settings = cell_of(preset, cell->index);
    return mixture_open(preset, &settings, run, state, err);
}

int main(int argc, char **argv) {
    const jebm_driver driver = {.program = "jebm-gmm",
                                .purpose = "Gaussian-mixture experiments: figures 1, 6, 7, 8, 14 "
                                           "and the study of self-fitting",
                                .presets = "replications/gmm/presets/gmm.ini",
                                .keys = keys,
                                .nkeys = sizeof keys / sizeof keys[0],
                                .columns = mixture_columns,
                                .ncolumns = mixture_ncolumns,
                                .plan = plan,
                                .memory = memory,
                                .open = open_run,
                                .step = mixture_step,
                                .record = mixture_record,
                                .arrays = mixture_arrays,
                                .restored = mixture_restored,
                                .close = mixture_close};
    return jebm_app_main(&driver, argc, argv);
}
