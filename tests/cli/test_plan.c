/* --plan of the toy driver: what it promises is what a run leaves.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define PROGRAM TOY
#define PROGRAM_NAME "toy"
#define PROGRAM_SHARE TOY_SHARE
#include "program.h"

#include <jansson.h>

static const char *text_in(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* the trajectory of a figure holds the cells, steps and columns of its plan, and nothing else */
static void expect_promise_kept(const scratch *s, const char *options) {
    const outcome planned = run(s, "%s --plan", options);
    expect_done(&planned);
    json_t *plan = json_loads(planned.out, 0, NULL);
    cr_assert_not_null(plan, "%s", planned.out);
    const outcome ran = run(s, "%s --force --out d" QUIET, options);
    expect_done(&ran);
    char name[128];
    snprintf(name, sizeof name, "d/%s/trajectory.csv", text_in(plan, "figure"));
    jebm_csv *csv = csv_of(s, name);
    const json_t *cells = json_object_get(plan, "cells"), *steps = json_object_get(plan, "steps");
    const json_t *columns = json_object_get(plan, "columns");
    const size_t nsteps = json_array_size(steps);
    const size_t runs = strtoul(text_in(json_object_get(plan, "preset"), "runs"), NULL, 10);
    cr_assert_eq(jebm_csv_rows(csv), json_array_size(cells) * runs * nsteps);
    for (size_t row = 0; row < jebm_csv_rows(csv); row++) {
        const json_t *cell = json_array_get(cells, row / nsteps / runs);
        char step[32];
        snprintf(step, sizeof step, "%lld",
                 (long long)json_integer_value(json_array_get(steps, row % nsteps)));
        cr_expect_str_eq(jebm_csv_text(csv, row, 0), text_in(cell, "method"));
        cr_expect_str_eq(jebm_csv_text(csv, row, 1), text_in(cell, "variant"));
        cr_expect_str_eq(jebm_csv_text(csv, row, 3), step);
    }
    // method, variant and run stand before the step
    cr_assert_eq(jebm_csv_columns(csv), json_array_size(columns) + 3);
    for (size_t i = 0; i < json_array_size(columns); i++) {
        cr_expect_str_eq(jebm_csv_name(csv, i + 3), json_string_value(json_array_get(columns, i)));
    }
    jebm_csv_free(csv);
    json_decref(plan);
}

Test(plan, is_what_a_run_leaves) {
    const scratch s = scratch_new();
    expect_promise_kept(&s, "toy1 --scale quick --fidelity paper");
    expect_promise_kept(&s, "toy1 --scale quick --fidelity paper --set record_every=6 --set "
                            "record_first=4 --runs 1");
    scratch_free(&s);
}

Test(plan, without_a_figure_covers_every_scale_and_fidelity) {
    const scratch s = scratch_new();
    const outcome o = run(&s, "--plan"), list = run(&s, "--list");
    expect_done(&o);
    size_t expected = 0, lines = 0;
    // a figure's line of --list: name, its scales, its fidelities, with commas between
    for (const char *line = list.out; *line != '\0'; line = strchr(line, '\n') + 1) {
        char scales[64], fidelities[64];
        cr_assert_eq(sscanf(line, "%*s %63s %63s", scales, fidelities), 2, "%s", line);
        size_t s_words = 1, f_words = 1;
        for (const char *c = scales; *c != '\0'; c++) {
            s_words += *c == ',';
        }
        for (const char *c = fidelities; *c != '\0'; c++) {
            f_words += *c == ',';
        }
        expected += s_words * f_words;
    }
    for (const char *c = o.out; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    cr_expect_eq(lines, expected, "%zu plans, %zu by --list", lines, expected);
    cr_expect(!exists(&s, "results"), "--plan wrote something");
    scratch_free(&s);
}

Test(plan, refuses_what_there_is_not) {
    static const char *const cases[][2] = {
        {"toy9 --plan", "unknown figure 'toy9'"},
        {"toy1 --plan --scale tiny", "found no scale 'tiny'"},
        {"toy1 --plan --set walkers=x", "--set walkers=x"},
    };
    expect_refusals(sizeof cases / sizeof *cases, cases);
}
