/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/table.h"

#include "io/csv.h"
#include "scratch.h"

#include <math.h>
#include <unistd.h>

static const char *const columns[] = {"x", "y"};

static void make(jebm_table *t) {
    cr_assert_eq(jebm_table_init(t, columns, 2, NULL), JEBM_OK);
}

static void add(jebm_table *t, const char *method, uint64_t run, uint64_t step, double x,
                double y) {
    uint64_t label;
    cr_assert_eq(jebm_table_label(t, method, "-", &label, NULL), JEBM_OK);
    cr_assert_eq(jebm_table_append(t, label, run, step, (double[]){x, y}, NULL), JEBM_OK);
}

Test(table, writes_rows_as_they_came_and_numbers_that_read_back_exactly) {
    const scratch s = scratch_new();
    jebm_table t;
    make(&t);
    add(&t, "pcd", 0, 0, 0.1, NAN);
    add(&t, "cd", 1, 10, -INFINITY, -NAN);
    const char *path = scratch_path(&s, "t.csv");
    cr_assert_eq(jebm_table_write(&t, path, NULL), JEBM_OK);
    char *text = scratch_get(path, NULL);
    cr_expect_str_eq(text, "method,variant,run,step,x,y\n"
                           "pcd,-,0,0,0.10000000000000001,nan\n"
                           "cd,-,1,10,-inf,nan\n");
    free(text);
    jebm_table_free(&t);
    scratch_free(&s);
}

Test(table, a_label_is_entered_once_and_unknown_ones_are_refused) {
    jebm_table t;
    make(&t);
    uint64_t a, b, c;
    cr_assert_eq(jebm_table_label(&t, "m", "c=1", &a, NULL), JEBM_OK);
    cr_assert_eq(jebm_table_label(&t, "m", "c=2", &b, NULL), JEBM_OK);
    cr_assert_eq(jebm_table_label(&t, "m", "c=1", &c, NULL), JEBM_OK);
    cr_expect(a == 0 && b == 1 && c == 0);
    cr_expect_eq(jebm_table_append(&t, 2, 0, 0, (double[]){0, 0}, NULL), JEBM_EINVAL);
    cr_expect_eq(jebm_table_label(&t, "a,b", "-", &a, NULL), JEBM_EINVAL);
    cr_expect_eq(jebm_table_label(&t, "m", "\n", &a, NULL), JEBM_EINVAL);
    cr_expect_eq(t.rows, 0);
    jebm_table_free(&t);
    jebm_table_free(&t);
    jebm_table_free(NULL);
}

/* the two-pass formulas, in long double, on values whose mean dwarfs their spread */
Test(table, summary_agrees_with_the_two_pass_formulas) {
    enum { runs = 7, steps = 3 };
    const scratch s = scratch_new();
    jebm_table t;
    make(&t);
    double x[runs][steps];
    for (uint64_t run = 0; run < runs; run++) {
        for (uint64_t step = 0; step < steps; step++) {
            x[run][step] = 1e9 + (double)(run * run) * 0.25 + (double)step;
            add(&t, "pcd", run, 10 * step, x[run][step], -x[run][step]);
        }
    }
    const char *path = scratch_path(&s, "s.csv");
    cr_assert_eq(jebm_table_write_summary(&t, path, NULL), JEBM_OK);
    jebm_csv *csv;
    cr_assert_eq(jebm_csv_read(path, &csv, NULL), JEBM_OK);
    cr_assert_eq(jebm_csv_rows(csv), steps);
    static const char *const names[] = {"step",  "runs",  "x_mean", "x_se",
                                        "x_min", "x_max", "y_mean"};
    double v[7][steps];
    for (size_t i = 0; i < 7; i++) {
        size_t column;
        cr_assert_eq(jebm_csv_find(csv, names[i], &column, NULL), JEBM_OK);
        cr_assert_eq(jebm_csv_numbers(csv, column, v[i], NULL), JEBM_OK);
    }
    for (size_t step = 0; step < steps; step++) {
        long double sum = 0, squares = 0;
        for (size_t run = 0; run < runs; run++) {
            sum += x[run][step];
        }
        for (size_t run = 0; run < runs; run++) {
            const long double d = x[run][step] - sum / runs;
            squares += d * d;
        }
        const double se = (double)sqrtl(squares / (runs - 1) / runs);
        cr_expect_eq(v[0][step], 10.0 * (double)step);
        cr_expect_eq(v[1][step], runs);
        cr_expect_float_eq(v[2][step], (double)(sum / runs), 1e-6);
        // Welford's relative error in the variance is of the order of eps * mean / sd = 1e-7 here
        cr_expect_float_eq(v[3][step], se, 1e-6 * se);
        cr_expect(v[4][step] == x[0][step] && v[5][step] == x[runs - 1][step]);
        cr_expect_eq(v[6][step], -v[2][step]);
    }
    jebm_csv_free(csv);
    jebm_table_free(&t);
    scratch_free(&s);
}

Test(table, summary_groups_by_label_and_step_and_tells_single_runs_and_nan) {
    const scratch s = scratch_new();
    jebm_table t;
    make(&t);
    add(&t, "b", 0, 0, 1, NAN);
    add(&t, "a", 0, 0, 2, 3);
    add(&t, "b", 1, 0, 3, 4);
    add(&t, "b", 0, 5, 4, INFINITY);
    const char *path = scratch_path(&s, "s.csv");
    cr_assert_eq(jebm_table_write_summary(&t, path, NULL), JEBM_OK);
    char *text = scratch_get(path, NULL);
    cr_expect_str_eq(text, "method,variant,step,runs,x_mean,x_se,x_min,x_max,y_mean,y_se,y_min,"
                           "y_max\n"
                           "b,-,0,2,2,1,1,3,nan,nan,nan,nan\n"
                           "b,-,5,1,4,nan,4,4,inf,nan,inf,inf\n"
                           "a,-,0,1,2,nan,2,2,3,nan,3,3\n");
    free(text);
    jebm_table_free(&t);
    scratch_free(&s);
}

Test(table, holds_a_million_rows) {
    jebm_table t;
    make(&t);
    uint64_t label;
    cr_assert_eq(jebm_table_label(&t, "m", "-", &label, NULL), JEBM_OK);
    for (uint64_t i = 0; i < 1000000; i++) {
        cr_assert_eq(jebm_table_append(&t, label, i % 100, i / 100, (double[]){(double)i, 0}, NULL),
                     JEBM_OK);
    }
    cr_expect_eq(t.rows, 1000000);
    cr_expect(t.step[999999] == 9999 && t.values[2 * 999999] == 999999.0);
    const scratch s = scratch_new();
    cr_expect_eq(jebm_table_write_summary(&t, scratch_path(&s, "s.csv"), NULL), JEBM_OK);
    jebm_csv *csv;
    cr_assert_eq(jebm_csv_read(scratch_path(&s, "s.csv"), &csv, NULL), JEBM_OK);
    cr_expect_eq(jebm_csv_rows(csv), 10000);
    jebm_csv_free(csv);
    jebm_table_free(&t);
    scratch_free(&s);
}

Test(table, what_is_read_has_the_summary_of_what_was_written) {
    const scratch s = scratch_new();
    jebm_table t, back;
    make(&t);
    for (uint64_t run = 0; run < 3; run++) {
        for (uint64_t step = 0; step < 40; step += 10) {
            // neither a short decimal nor of one sign; some that are none at all
            const double x = sin(1e3 * (double)(run + 7 * step + 1)) * exp((double)step);
            add(&t, "pcd", run, step, x, run == 2 && step == 30 ? NAN : -x / 3);
            add(&t, "cd", run, step, 5e-324 * (double)run, step == 0 ? -INFINITY : x);
        }
    }
    const char *path = scratch_path(&s, "t.csv");
    cr_assert_eq(jebm_table_write(&t, path, NULL), JEBM_OK);
    jebm_error err = {0};
    cr_assert_eq(jebm_table_read(&back, path, &err), JEBM_OK, "%s", err.text);
    cr_assert_eq(jebm_table_write(&back, scratch_path(&s, "u.csv"), NULL), JEBM_OK);
    char *text[2];
    size_t size[2];
    cr_assert_eq(jebm_table_summary(&t, &text[0], &size[0], NULL), JEBM_OK);
    cr_assert_eq(jebm_table_summary(&back, &text[1], &size[1], NULL), JEBM_OK);
    cr_expect(size[0] == size[1] && strlen(text[1]) == size[1]);
    cr_expect_str_eq(text[0], text[1]);
    free(text[0]);
    free(text[1]);
    char *written = scratch_get(path, NULL), *again = scratch_get(scratch_path(&s, "u.csv"), NULL);
    cr_expect_str_eq(written, again);
    free(written);
    free(again);
    jebm_table_free(&t);
    jebm_table_free(&back);
    scratch_free(&s);
}

Test(table, what_is_no_trajectory_is_refused) {
    static const char *const bad[][2] = {
        {"method,variant,step,x\npcd,-,0,1\n", ":1: found column 'step', expected 'run'"},
        {"method\npcd\n", ":1: found column 'nothing', expected 'variant'"},
        {"method,variant,run,step\npcd,-,0.5,1\n", ":2: found run 0.5, step 1, expected whole"},
        {"method,variant,run,step\npcd,-,0,nan\n", ":2: found run 0, step nan, expected whole"},
        {"method,variant,run,step,x\npcd,-,0,1,y\n", ":2: column 'x' holds 'y'"},
    };
    const scratch s = scratch_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        jebm_table t;
        jebm_error err = {0};
        const char *path = scratch_path(&s, "t.csv");
        scratch_put(path, bad[i][0], strlen(bad[i][0]));
        cr_expect_eq(jebm_table_read(&t, path, &err), JEBM_EFORMAT);
        cr_expect_not_null(strstr(err.text, bad[i][1]), "found '%s'", err.text);
        cr_expect_eq(t.rows, 0);
    }
    scratch_free(&s);
}
