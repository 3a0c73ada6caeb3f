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
    "cifar32_inner=1 --set energies=gmm,mnist,cifar32 "

/* gmm at two shares, MNIST at two numbers of steps, CIFAR at one size: five cells */
Test(overhead_program, each_cell_has_finite_ratios_of_what_its_row_says, .timeout = 100) {
    const scratch s = scratch_new();
    const outcome o = run(&s, "overhead --runs 2 --set iterations=3" TINY QUIET "--out d");
    expect_done(&o);
    jebm_csv *csv = csv_of(&s, "d/overhead/trajectory.csv");
    double *step = numbers(csv, "step"), *jarzynski = numbers(csv, "jarzynski"),
           *pcd = numbers(csv, "pcd"), *ratio = numbers(csv, "ratio"),
           *middle = numbers(csv, "ratio_median"), *low = numbers(csv, "ratio_low"),
           *high = numbers(csv, "ratio_high");
    cr_expect_eq(jebm_csv_rows(csv), 5 * 2 * 4);
    for (size_t r = 0; r < jebm_csv_rows(csv); r++) {
        if (step[r] == 0.0) {
            cr_expect(isnan(ratio[r]), "nothing was timed yet");
            continue;
        }
        cr_expect(isfinite(ratio[r]) && jarzynski[r] > 0.0 && pcd[r] > 0.0, "%s %s",
                  jebm_csv_text(csv, r, 0), jebm_csv_text(csv, r, 1));
        cr_expect_float_eq(ratio[r], jarzynski[r] / pcd[r], 1e-12 * ratio[r]);
        cr_expect(low[r] <= middle[r] && middle[r] <= high[r]);
        if (step[r] == 3.0) {
            const double a = ratio[r - 2], b = ratio[r - 1], c = ratio[r];
            cr_expect_eq(middle[r], fmax(fmin(a, b), fmin(fmax(a, b), c)), "median of three");
            cr_expect(low[r] >= fmin(a, fmin(b, c)) && high[r] <= fmax(a, fmax(b, c)));
        }
    }
    double *all[] = {step, jarzynski, pcd, ratio, middle, low, high};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
    jebm_csv_free(csv);
    scratch_free(&s);
}

Test(overhead_program, bad_input_is_one_line_and_status_2) {
    static const char *const cases[][2] = {
        {"overhead --set gmm_shares=1.5", "key 'gmm_shares' lists 1.5, expected whole numbers"},
        {"overhead --set mnist_inner=0", "expected 1 to 32 real numbers from 1"},
        {"overhead --set energies=imagenet", "expected one or more of gmm|mnist|cifar32|cifar64"},
        {"overhead --set iterations=1001", "key 'iterations' is above 1000 repeats"},
        {"overhead --set gmm_batch=1e9", "lower 'energies' (--set energies=...)"},
        {"overhead --set gmm_inner=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 --scale paper",
         "more than 64 cells: fewer shares or inner"},
    };
    expect_refusals(sizeof cases / sizeof *cases, cases);
}

Test(overhead_program, draws_its_figure, .timeout = 100) {
    if (system("command -v gnuplot > /dev/null 2>&1") != 0) {
        cr_skip_test("gnuplot is not installed");
    }
    const scratch s = scratch_new();
    const outcome o = run(&s, "overhead --runs 2 --set iterations=1" TINY "--quiet --out d");
    expect_done(&o);
    cr_expect_str_empty(o.err);
    cr_expect(exists(&s, "d/overhead/overhead.png") && exists(&s, "d/overhead/overhead.svg"));
    scratch_free(&s);
}
