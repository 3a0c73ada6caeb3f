/* The gnuplot scripts on small data: they draw, and they say what is missing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/table.h"

#include "../io/scratch.h"

#include <math.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *const columns[] = {"p",           "a1",  "b1",      "kl_exact",
                                      "kl_estimate", "ess", "ess_min", "resamplings"};
enum { NCOLUMNS = 8, STEPS = 5, RUNS = 2 };

static scratch place;

static void put_cell(jebm_table *t, const char *method, const char *variant, bool weighted) {
    uint64_t label;
    cr_assert_eq(jebm_table_label(t, method, variant, &label, NULL), JEBM_OK);
    for (uint64_t run = 0; run < RUNS; run++) {
        for (uint64_t step = 0; step < STEPS; step++) {
            const double x = (double)(step + run);
            const double row[NCOLUMNS] = {
                0.5 / (1 + x), -x,  x, 1 / (1 + x), weighted ? 1.1 / (1 + x) : NAN,
                1 - 0.01 * x,  0.9, x};
            cr_assert_eq(jebm_table_append(t, label, run, step, row, NULL), JEBM_OK);
        }
    }
}

static void setup(void) {
    place = scratch_new();
    jebm_table t;
    cr_assert_eq(jebm_table_init(&t, columns, NCOLUMNS, NULL), JEBM_OK);
    put_cell(&t, "jarzynski", "c=0.1", true);
    put_cell(&t, "jarzynski", "c=1.0", true);
    put_cell(&t, "pcd", "-", false);
    put_cell(&t, "cd", "-", false);
    cr_assert_eq(jebm_table_write(&t, scratch_path(&place, "trajectory.csv"), NULL), JEBM_OK);
    cr_assert_eq(jebm_table_write_summary(&t, scratch_path(&place, "summary.csv"), NULL), JEBM_OK);
    jebm_table_free(&t);
}

static void teardown(void) {
    scratch_free(&place);
}

TestSuite(figures, .init = setup, .fini = teardown);

/* gnuplot's exit status on a script of ours; what it says goes to the file "out" */
static int draw(const char *script, const char *arguments) {
    char command[2048];
    if (system("command -v gnuplot > /dev/null 2>&1") != 0) {
        cr_skip_test("gnuplot is not installed");
    }
    snprintf(command, sizeof command, "gnuplot -c '%s/%s.gp' %s > %s/out 2>&1", FIGURES, script,
             arguments, place.directory);
    const int outcome = system(command);
    return WIFEXITED(outcome) ? WEXITSTATUS(outcome) : -1;
}

static void expect_picture(const char *name, const char *magic) {
    size_t size = 0;
    char *bytes = scratch_get(scratch_path(&place, name), &size);
    cr_assert_not_null(bytes, "%s was not written", name);
    cr_expect_gt(size, 4000, "%s has %zu bytes", name, size);
    cr_expect_eq(memcmp(bytes, magic, strlen(magic)), 0, "%s", name);
    free(bytes);
}

static void expect_drawn(const char *script, const char *arguments) {
    const int status = draw(script, arguments);
    char *said = scratch_get(scratch_path(&place, "out"), NULL), name[64];
    cr_expect_eq(status, 0, "%s: %s", script, said);
    cr_expect_str_empty(said, "%s: %s", script, said);
    free(said);
    snprintf(name, sizeof name, "%s.png", script);
    expect_picture(name, "\x89PNG");
    snprintf(name, sizeof name, "%s.svg", script);
    expect_picture(name, "<?xml");
}

Test(figures, each_script_draws_png_and_svg) {
    char arguments[900];
    snprintf(arguments, sizeof arguments, "'%s'", place.directory);
    expect_drawn("fig06", arguments);
    expect_drawn("fig07", arguments);
    snprintf(arguments, sizeof arguments, "'%s' \"a caption's _text_ {%%}\"", place.directory);
    expect_drawn("fig08", arguments);
    snprintf(arguments, sizeof arguments, "'%s' 'paper=%s' '%s'", place.directory, place.directory,
             place.directory);
    expect_drawn("fig06-fidelity", arguments);
}

static void expect_complaint(const char *script, const char *arguments, const char *words) {
    const int status = draw(script, arguments);
    char *said = scratch_get(scratch_path(&place, "out"), NULL);
    cr_expect_neq(status, 0, "%s", script);
    cr_expect_not_null(strstr(said, words), "%s: wanted '%s' in\n%s", script, words, said);
    free(said);
}

Test(figures, what_is_missing_is_named) {
    expect_complaint("fig06", "/nowhere", "/nowhere/summary.csv cannot be read");
    expect_complaint("fig07", "/nowhere", "/nowhere/trajectory.csv cannot be read");
    expect_complaint("fig08", "/nowhere", "/nowhere/trajectory.csv cannot be read");
    expect_complaint("fig06-fidelity", ". paper=/nowhere", "/nowhere/summary.csv cannot be read");
    expect_complaint("fig06", "", "expected a run directory");
}
