/* jebm-resampling as a whole program: cells as documented, resampling when a cell's name says so,
 * and no thread count, interruption or split changes a byte.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define PROGRAM RESAMPLING
#define PROGRAM_NAME "jebm-resampling"
#define PROGRAM_SHARE RESAMPLING_SHARE
#include "program.h"

#include <math.h>

#define SMALL \
    " --set walkers=300 --set data=260 --set d=8 --set iterations=40 --set record_every=8 "
#define SIX " --set schemes=multinomial,stratified,systematic,residual,ssp,killing "

/* ---- cells ---------------------------------------------------------------------------------- */

/* each cell's method and variant, in the order of the rows */
static void expect_cells(const scratch *s, const char *name, size_t n,
                         const char *const (*cells)[2]) {
    jebm_csv *csv = csv_of(s, name);
    size_t found = 0;
    for (size_t r = 0; r < jebm_csv_rows(csv); r++) {
        const char *method = jebm_csv_text(csv, r, 0), *variant = jebm_csv_text(csv, r, 1);
        if (found > 0 && strcmp(method, cells[found - 1][0]) == 0 &&
            strcmp(variant, cells[found - 1][1]) == 0) {
            continue;
        }
        cr_assert_lt(found, n, "%s %s is one cell too many", method, variant);
        cr_expect_str_eq(method, cells[found][0]);
        cr_expect_str_eq(variant, cells[found][1]);
        found++;
    }
    cr_expect_eq(found, n);
    jebm_csv_free(csv);
}

Test(resampling_program, figure_9_has_one_cell_that_never_resamples) {
    static const char *const cells[][2] = {{"jarzynski", "never"}};
    const scratch s = scratch_new();
    const outcome o = run(&s, "fig09 --runs 2" SMALL QUIET "--out d");
    expect_done(&o);
    expect_cells(&s, "d/fig09/summary.csv", 1, cells);
    jebm_csv *csv = csv_of(&s, "d/fig09/trajectory.csv");
    double *resamplings = numbers(csv, "resamplings"), *ess = numbers(csv, "ess");
    cr_expect_eq(jebm_csv_rows(csv), 2 * 6);
    for (size_t r = 0; r < jebm_csv_rows(csv); r++) {
        cr_expect_eq(resamplings[r], 0.0);
        cr_expect(r % 6 == 0 ? fabs(ess[r] - 1.0) < 1e-12 : ess[r] < 0.999, "row %zu: ESS %g", r,
                  ess[r]);
    }
    free(resamplings);
    free(ess);
    jebm_csv_free(csv);
    scratch_free(&s);
}

Test(resampling_program, cells_are_never_then_each_scheme_with_its_lags_then_its_thresholds) {
    static const char *const cells[][2] = {{"jarzynski", "never"},  {"systematic", "lag=7"},
                                           {"systematic", "lag=3"}, {"systematic", "ess=0.5"},
                                           {"ssp", "lag=7"},        {"ssp", "lag=3"},
                                           {"ssp", "ess=0.5"}};
    const scratch s = scratch_new();
    outcome o = run(&s, "fig10 --runs 1 --set schemes=ssp,never,systematic --set lags=7,3 --set "
                        "ess=0.5" SMALL QUIET "--out d");
    expect_done(&o);
    expect_cells(&s, "d/fig10/trajectory.csv", 7, cells);
    /* the schemes in their own order, not that of the key */
    static const char *const all[][2] = {{"multinomial", "ess=0.5"}, {"stratified", "ess=0.5"},
                                         {"systematic", "ess=0.5"},  {"residual", "ess=0.5"},
                                         {"ssp", "ess=0.5"},         {"killing", "ess=0.5"}};
    o = run(&s,
            "fig10 --runs 1 --set schemes=killing,ssp,residual,systematic,stratified,multinomial "
            "--set lags=0 --set ess=0.5" SMALL QUIET "--out e");
    expect_done(&o);
    expect_cells(&s, "e/fig10/trajectory.csv", 6, all);
    scratch_free(&s);
}

/* Resamplings of a cell grow at the iterations that its name tells, and at no others. One row a
 * step. */
static void expect_resamplings(const scratch *s, const char *name, size_t expected_rows) {
    jebm_csv *csv = csv_of(s, name);
    double *step = numbers(csv, "step"), *resamplings = numbers(csv, "resamplings"),
           *ess = numbers(csv, "ess");
    size_t triggered = 0;
    cr_expect_eq(jebm_csv_rows(csv), expected_rows);
    for (size_t r = 0; r < jebm_csv_rows(csv); r++) {
        const char *variant = jebm_csv_text(csv, r, 1);
        double value = 0.0;
        if (sscanf(variant, "lag=%lf", &value) == 1) {
            cr_expect_eq(resamplings[r], floor(step[r] / value), "%s %s, step %g: %g resamplings",
                         jebm_csv_text(csv, r, 0), variant, step[r], resamplings[r]);
        } else {
            cr_assert_eq(sscanf(variant, "ess=%lf", &value), 1, "%s", variant);
            const double before = step[r] > 0.0 ? resamplings[r - 1] : 0.0;
            cr_expect_eq(resamplings[r] - before, ess[r] < value ? 1.0 : 0.0,
                         "%s %s, step %g: ESS %g", jebm_csv_text(csv, r, 0), variant, step[r],
                         ess[r]);
            triggered += ess[r] < value;
        }
    }
    cr_expect_gt(triggered, 0);
    free(step);
    free(resamplings);
    free(ess);
    jebm_csv_free(csv);
}

Test(resampling_program, every_scheme_resamples_at_its_lag_or_its_threshold_and_only_then) {
    const scratch s = scratch_new();
    const outcome o = run(&s, "fig10 --runs 2" SIX " --set lags=1,7,100 --set ess=0.99,0.98" SMALL
                              "--set record_every=1" QUIET "--out d");
    expect_done(&o);
    expect_resamplings(&s, "d/fig10/trajectory.csv", (size_t)6 * 5 * 2 * 41);
    scratch_free(&s);
}

/* the ESS is looked at in every iteration here, so that a row shows what was decided on */
Test(resampling_program, mini_batches_resample_at_the_same_iterations) {
    const scratch s = scratch_new();
    const outcome o =
        run(&s, "fig10 --runs 1" SIX " --set lags=1,7,100 --set ess=0.98 --set batch=70 --set "
                "gradient=batch --set data_batch=50 --set ess_every=1" SMALL
                "--set record_every=1" QUIET "--out d");
    expect_done(&o);
    expect_resamplings(&s, "d/fig10/trajectory.csv", (size_t)6 * 4 * 41);
    scratch_free(&s);
}

Test(resampling_program, cells_share_a_runs_data_but_no_walkers) {
    const scratch s = scratch_new();
    const outcome o =
        run(&s, "fig10 --runs 2" SIX " --set lags=20,30 --set ess=0" SMALL QUIET "--out d");
    expect_done(&o);
    jebm_csv *csv = csv_of(&s, "d/fig10/trajectory.csv");
    double *share = numbers(csv, "data_fraction_a"), *estimate = numbers(csv, "kl_estimate");
    const size_t rows = 6, cell = 2 * rows;
    cr_assert_eq(jebm_csv_rows(csv), 12 * cell);
    cr_expect_neq(share[0], share[rows], "two runs with the same data");
    for (size_t c = 0; c < 12; c++) {
        for (size_t run = 0; run < 2; run++) {
            cr_expect_eq(share[c * cell + run * rows], share[run * rows]);
            /* the first row with weights, before any resampling */
            const size_t at = c * cell + run * rows + 1;
            for (size_t other = 0; other < c; other++) {
                cr_expect_neq(estimate[at], estimate[other * cell + run * rows + 1]);
            }
        }
    }
    free(share);
    free(estimate);
    jebm_csv_free(csv);
    scratch_free(&s);
}

Test(resampling_program, a_scheme_alone_gives_the_rows_that_it_gives_among_others) {
    const scratch s = scratch_new();
    outcome o = run(&s, "fig10 --runs 2" SIX " --set lags=7 --set ess=0" SMALL QUIET "--out all");
    expect_done(&o);
    o = run(&s, "fig10 --runs 2 --set schemes=killing --set lags=7 --set ess=0" SMALL QUIET
                "--out one");
    expect_done(&o);
    char *all = scratch_get(scratch_path(&s, "all/fig10/trajectory.csv"), NULL);
    char *one = scratch_get(scratch_path(&s, "one/fig10/trajectory.csv"), NULL);
    cr_assert(all != NULL && one != NULL);
    const char *rows = strstr(all, "\nkilling,lag=7,0,0,"), *alone = strchr(one, '\n');
    cr_assert(rows != NULL && alone != NULL);
    cr_expect_str_eq(rows, alone);
    free(all);
    free(one);
    scratch_free(&s);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

Test(resampling_program, threads_change_no_byte, .timeout = 120) {
    static const char *const settings[][2] = {
        {"fig09", "--set walkers=700"},
        {"fig09 --fidelity code", "--set walkers=700"},
        {"fig10", "--set lags=3,20 --set ess=0.95"},
        {"fig10", "--set lags=3 --set ess=0.95 --set batch=70 --set gradient=batch "
                  "--set data_batch=130 --set evaluation=200"},
    };
    const scratch s = scratch_new();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const char *figure = strncmp(settings[i][0], "fig09", 5) == 0 ? "fig09" : "fig10";
        char one[16], many[16];
        snprintf(one, sizeof one, "s%zu-1", i);
        for (int threads = 1; threads <= 3; threads++) {
            snprintf(many, sizeof many, "s%zu-%d", i, threads);
            const outcome o = run(&s, "%s --runs 2" SMALL "%s" QUIET "--out %s --threads %d",
                                  settings[i][0], settings[i][1], many, threads);
            expect_done(&o);
            expect_same_run(&s, one, many, figure);
        }
    }
    scratch_free(&s);
}

/* SIGTERM at ever later moments, a checkpoint after every iteration */
static void expect_interruptions_harmless(const char *figure, const char *options) {
    const scratch s = scratch_new();
    char line[256];
    int interruptions = 0;
    outcome o = run(&s, "%s %s" QUIET "--out whole", figure, options);
    expect_done(&o);
    set.interval = "0";
    snprintf(line, sizeof line, "%s %s" QUIET "--threads 1 --out parts --resume", figure, options);
    for (int i = 0; i < 100; i++) {
        const pid_t child = start(&s, line);
        /* each is given more time than the one before, so that an end is sure */
        wait_ms(30 + 40 * i);
        kill(child, SIGTERM);
        o = finish(&s, child);
        if (o.status == 0) {
            break;
        }
        cr_assert(o.status == 143 || o.status == 1000 + SIGTERM, "%d: %s", o.status, o.err);
        interruptions++;
    }
    cr_expect_eq(o.status, 0);
    cr_expect_gt(interruptions, 0);
    expect_same_run(&s, "whole", "parts", figure);
    scratch_free(&s);
}

Test(resampling_program, an_interruption_changes_no_byte_of_figure_9, .timeout = 120) {
    expect_interruptions_harmless("fig09", "--runs 2 --set iterations=80");
}

Test(resampling_program, an_interruption_changes_no_byte_of_figure_10, .timeout = 120) {
    expect_interruptions_harmless("fig10",
                                  "--runs 2 --set schemes=multinomial,killing --set lags=9 "
                                  "--set ess=0.9 --set iterations=30 --set batch=50 "
                                  "--set gradient=batch");
}

Test(resampling_program, parts_merged_are_the_run_that_was_not_split, .timeout = 60) {
#define CELLS " --runs 4 --set lags=3,20 --set ess=0.95" SMALL QUIET
    const scratch s = scratch_new();
    static const char *const parts[] = {"--out whole", "--out p1 --runs-to 1",
                                        "--out p2 --runs-from 2 --runs-to 3",
                                        "--out p3 --runs-from 4"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const outcome o = run(&s, "fig10" CELLS "%s", parts[i]);
        expect_done(&o);
    }
    outcome o = run(&s, "fig10" QUIET "--merge p2 --merge p3 --merge p1 --out merged");
    expect_done(&o);
    expect_same_run(&s, "whole", "merged", "fig10");
    /* a part with another lag is no part of it */
    o = run(&s, "fig10" CELLS "--set lags=3,21 --runs-from 4 --out other");
    expect_done(&o);
    o = run(&s, "fig10" QUIET "--merge p1 --merge p2 --merge other --out bad");
    cr_expect_eq(o.status, 2, "status %d: %s", o.status, o.err);
    cr_expect_not_null(strstr(o.err, "lags"), "%s", o.err);
    cr_expect(!exists(&s, "bad"));
    scratch_free(&s);
}

/* ---- bad input ------------------------------------------------------------------------------ */

Test(resampling_program, bad_input_is_one_line_and_status_2, .timeout = 60) {
    static const char *const cases[][2] = {
        {"fig10 --set lags=0.5", "key 'lags' lists 0.5, expected whole numbers from 1"},
        {"fig10 --set lags=100,0", "key 'lags' lists 0, expected whole numbers from 1"},
        {"fig10 --set lags=2.5", "key 'lags' lists 2.5, expected whole numbers from 1"},
        {"fig10 --set lags=-1", "expected 1 to 32 real numbers from 0 to 1000000000"},
        {"fig10 --set lags=", "expected 1 to 32 real numbers from 0 to 1000000000"},
        {"fig10 --set lags=10,20,10", "key 'lags' lists 10 twice, expected distinct values"},
        {"fig10 --set ess=2", "expected 1 to 32 real numbers from 0 to 1"},
        {"fig10 --set ess=nan", "expected 1 to 32 real numbers from 0 to 1"},
        {"fig10 --set ess=0.5,0", "key 'ess' lists 0, expected thresholds above 0"},
        {"fig10 --set ess=0.5,0.5", "key 'ess' lists 0.5 twice, expected distinct values"},
        {"fig10 --set schemes=nonsense",
         "expected one or more of never|multinomial|stratified|systematic|residual|ssp|killing"},
        {"fig10 --set schemes=", "expected one or more of never|"},
        {"fig09 --set schemes=ssp",
         "key 'schemes' has ssp, but neither 'lags' nor 'ess' says when"},
        {"fig10 --set lags=0 --set ess=0", "key 'schemes' has multinomial, but neither 'lags'"},
        {"fig10 --scale paper --set lags=1,2,3,4,5,6,7,8,9,10,11",
         "more than 64 cells: fewer 'schemes'"},
        {"fig10 --set batch=501", "key 'batch' is 501, expected at most walkers = 500"},
        {"fig10 --set data_batch=20", "but gradient is all: set gradient=batch"},
        {"fig10 --set walkers=0", "'0' found; expected an integer from 1 to"},
        {"fig10 --set walkers=4e9", "lower 'walkers' (--set walkers=...)"},
        {"fig10 --set lag=10", "unknown key 'lag' (did you mean 'lags'?)"},
        {"fig10 --set resampling=ssp", "unknown key 'resampling'"},
        {"fig10 --fidelity code", "fig10 has no fidelity 'code'; it has paper"},
        {"fig10 --runs 2 --runs-to 3", "--runs-to"},
        {"fig06", "unknown figure 'fig06'"},
        {"", "no figure given"},
    };
    expect_refusals(sizeof cases / sizeof *cases, cases);
}

/* ---- what it says of itself ----------------------------------------------------------------- */

Test(resampling_program, lists_describes_and_helps) {
    const scratch s = scratch_new();
    outcome o = run(&s, "--list");
    expect_done(&o);
    cr_expect(strstr(o.out, "fig09 ") != NULL && strstr(o.out, "fig10 ") != NULL, "%s", o.out);
    o = run(&s, "--describe fig10 --scale paper --set ess=0.5");
    expect_done(&o);
    /* what the text gives, and what it does not */
    static const char *const lines[] = {"# fig10 at scale paper, fidelity paper\n",
                                        "runs = 50\n",
                                        "walkers = 100000\n",
                                        "iterations = 480000\n",
                                        "ess = 0.5\n",
                                        "rate_unit = time\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        cr_expect_not_null(strstr(o.out, lines[i]), "no %s in %s", lines[i], o.out);
    }
    o = run(&s, "--describe fig09 --scale paper");
    expect_done(&o);
    cr_expect(strstr(o.out, "runs = 30\n") != NULL && strstr(o.out, "schemes = never\n") != NULL,
              "%s", o.out);
    o = run(&s, "--help");
    expect_done(&o);
    cr_expect(strstr(o.out, "Usage: jebm-resampling FIGURE") != NULL &&
                  strstr(o.out, "figures 9 and 10") != NULL,
              "%s", o.out);
    o = run(&s, "--version");
    expect_done(&o);
    cr_expect_eq(strncmp(o.out, "jebm-resampling ", 16), 0, "%s", o.out);
    cr_expect(!exists(&s, "results"));
    scratch_free(&s);
}
