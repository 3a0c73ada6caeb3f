/* jebm-overhead as a whole program, at sizes that say nothing: its columns are what they say, every
 * cell has its rows, and bad input is one line that says what to do.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define PROGRAM OVERHEAD
#define PROGRAM_NAME "jebm-overhead"
#define PROGRAM_SHARE OVERHEAD_SHARE
#include "program.h"

#include <math.h>

#define TINY                                                                                   \
    " --set gmm_batch=64 --set gmm_shares=1,4 --set gmm_inner=2 --set mnist_batch=4 --set "    \
    "mnist_shares=2 --set mnist_inner=1,2 --set cifar32_batch=2 --set cifar32_shares=1 --set " \
    "cifar32_inner=1 --set energies=gmm,mnist,cifar32 --set seconds=0.2 --set precision=0.05 "

static const char *const parts[] = {"drift", "noise",   "gradient", "copy",    "update",
                                    "last",  "weights", "settle",   "resample"};
#define PARTS (sizeof parts / sizeof *parts)

/* gmm at two shares, MNIST at two numbers of steps, CIFAR at one size: five cells */
Test(overhead_program, each_cell_has_finite_ratios_of_what_its_row_says, .timeout = 250) {
    const scratch s = scratch_new();
    const outcome o = run(&s, "overhead --runs 1 --set iterations=2" TINY QUIET "--out d");
    expect_done(&o);
    jebm_csv *csv = csv_of(&s, "d/overhead/trajectory.csv");
    double *step = numbers(csv, "step"), *turns = numbers(csv, "turns"),
           *jarzynski = numbers(csv, "jarzynski"), *pcd = numbers(csv, "pcd"),
           *middle = numbers(csv, "ratio_median"), *low = numbers(csv, "ratio_low"),
           *high = numbers(csv, "ratio_high"), *sum = numbers(csv, "parts"),
           *ratio_parts = numbers(csv, "ratio_parts"), *part[PARTS];
    for (size_t i = 0; i < PARTS; i++) {
        part[i] = numbers(csv, parts[i]);
    }
    cr_expect_eq(jebm_csv_rows(csv), 5 * 3);
    size_t wide = 0;
    for (size_t r = 0; r < jebm_csv_rows(csv); r++) {
        if (step[r] == 0.0) {
            cr_expect(isnan(middle[r]), "nothing was timed yet");
            continue;
        }
        cr_expect(jarzynski[r] > 0.0 && pcd[r] > 0.0, "%s %s", jebm_csv_text(csv, r, 0),
                  jebm_csv_text(csv, r, 1));
        cr_expect(turns[r] >= 8.0 * step[r] && turns[r] <= 256.0 * step[r], "%g turns", turns[r]);
        cr_expect(step[r] == 1.0 || turns[r] >= turns[r - 1] + 8.0, "turns are added");
        cr_expect(0.0 < low[r] && low[r] <= middle[r] && middle[r] <= high[r] && isfinite(high[r]));
        /* the parts are all there, possible, and add up; or none is */
        if (isnan(sum[r])) {
            wide += step[r] == 2.0;
            for (size_t i = 0; i < PARTS; i++) {
                cr_expect(isnan(part[i][r]), "%s", parts[i]);
            }
            cr_expect(isnan(ratio_parts[r]));
            continue;
        }
        cr_expect(high[r] - low[r] <= 0.04 && fabs(sum[r] - 1.0) <= 0.1 && ratio_parts[r] >= 1.0);
        for (size_t i = 0; i < PARTS; i++) {
            cr_expect(part[i][r] >= 0.0 && part[i][r] <= 1.1 * jarzynski[r], "%s", parts[i]);
        }
    }
    /* a line for each run whose parts are left out */
    size_t lines = 0;
    for (const char *c = o.err; (c = strstr(c, "too busy to say where the time goes")) != NULL;
         c++) {
        lines++;
    }
    cr_expect_eq(lines, wide, "%s", o.err);
    double *all[] = {step, turns, jarzynski, pcd, middle, low, high, sum, ratio_parts};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
    for (size_t i = 0; i < PARTS; i++) {
        free(part[i]);
    }
    jebm_csv_free(csv);
    scratch_free(&s);
}

/* The table has a line a cell, with the numbers of summary.csv, also where there is nothing to do.
 */
Test(overhead_program, prints_a_table_of_its_ratios, .timeout = 250) {
    const scratch s = scratch_new();
    for (int i = 0; i < 2; i++) {
        const outcome o = run(&s, "overhead --runs 1 --set iterations=1" TINY QUIET "--out d");
        expect_done(&o);
        const char *table = strstr(o.out, "Jarzynski");
        cr_assert_not_null(table, "%s", o.out);
        jebm_csv *csv = csv_of(&s, "d/overhead/summary.csv");
        double *step = numbers(csv, "step"), *ratio = numbers(csv, "ratio_median_mean"),
               *low = numbers(csv, "ratio_low_min"), *high = numbers(csv, "ratio_high_max");
        size_t cells = 0;
        for (size_t r = 0; r < jebm_csv_rows(csv); r++) {
            char text[64];
            snprintf(text, sizeof text, "%.3f (%.3f to %.3f)\n", ratio[r], low[r], high[r]);
            const char *line = strstr(table, text);
            cr_expect((step[r] == 1.0) == (line != NULL), "%s in %s", text, table);
            cells += step[r] == 1.0;
        }
        size_t lines = 0;
        for (const char *c = table; (c = strstr(c, " to ")) != NULL; c++) {
            lines++;
        }
        cr_expect(cells == 5 && lines == 5, "%zu cells, %zu lines", cells, lines);
        free(step);
        free(ratio);
        free(low);
        free(high);
        jebm_csv_free(csv);
    }
    scratch_free(&s);
}

Test(overhead_program, bad_input_is_one_line_and_status_2) {
    static const char *const cases[][2] = {
        {"overhead --set gmm_shares=1.5", "key 'gmm_shares' lists 1.5, expected whole numbers"},
        {"overhead --set mnist_inner=0", "expected 1 to 32 real numbers from 1"},
        {"overhead --set energies=imagenet", "expected one or more of gmm|mnist|cifar32|cifar64"},
        {"overhead --set iterations=65", "key 'iterations' is above 64 repeats"},
        {"overhead --set precision=0", "expected a real number from 0.0001 to 1"},
        {"overhead --set seconds=0", "expected a real number from 0.001 to 100000"},
        {"overhead --set gmm_batch=1e9", "lower 'energies' (--set energies=...)"},
        {"overhead --set gmm_shares=1,2,4,16 --set "
         "gmm_inner=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 --scale paper",
         "more than 64 cells: fewer shares or inner"},
    };
    expect_refusals(sizeof cases / sizeof *cases, cases);
}

Test(overhead_program, draws_its_figure, .timeout = 250) {
    if (system("command -v gnuplot > /dev/null 2>&1") != 0) {
        cr_skip_test("gnuplot is not installed");
    }
    const scratch s = scratch_new();
    const outcome o = run(&s, "overhead --runs 2 --set iterations=1" TINY "--quiet --out d");
    expect_done(&o);
    cr_expect(exists(&s, "d/overhead/overhead.png") && exists(&s, "d/overhead/overhead.svg"));
    scratch_free(&s);
}
