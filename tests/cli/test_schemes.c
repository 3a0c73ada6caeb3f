/* jebm-schemes as a whole program: its numbers against closed forms, no thread count and no
 * interruption changes a byte, and bad input is one line that says what to do.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define PROGRAM SCHEMES
#define PROGRAM_NAME "jebm-schemes"
#define PROGRAM_SHARE SCHEMES_SHARE
#include "program.h"

#include <math.h>

/* standard errors that a mean over 40 trials may be off: tail of Student's t 6e-5; seeds are fixed
 */
#define ERRORS 4.5

static bool is_of(const jebm_csv *csv, size_t row, const char *scheme) {
    return strcmp(jebm_csv_text(csv, row, 0), scheme) == 0;
}

/* ---- numbers -------------------------------------------------------------------------------- */

Test(schemes_program, weights_and_errors_follow_their_closed_forms) {
    enum { N = 5000 };
    const scratch s = scratch_new();
    const outcome o = run(&s, "schemes --set walkers=5000 --runs 40" QUIET "--out d");
    expect_done(&o);
    jebm_csv *csv = csv_of(&s, "d/schemes/summary.csv");
    double *tau = numbers(csv, "tau_mean"), *mean = numbers(csv, "mean_weighted_mean"),
           *mean_se = numbers(csv, "mean_weighted_se"), *ess = numbers(csv, "ess_mean"),
           *ess_se = numbers(csv, "ess_se"), *tv = numbers(csv, "tv_mean"),
           *tv_se = numbers(csv, "tv_se"), *error = numbers(csv, "error_mean"),
           *error_se = numbers(csv, "error_se"), *distinct = numbers(csv, "distinct_mean");
    cr_expect_eq(jebm_csv_rows(csv), 6 * 14);
    for (size_t r = 0; r < jebm_csv_rows(csv); r++) {
        /* x under its weights is N(t/(1+t), 1/(1+t)); E w and E w^2 are Gaussian integrals. Both
         * are ratios of means over N walkers, biased by some 1/(N ess) of themselves */
        const double t = tau[r],
                     e = sqrt(1 + 2 * t) / (1 + t) * exp(-t / (1 + t) + t / (1 + 2 * t)),
                     bias = 4.0 / (N * e);
        cr_expect_lt(fabs(mean[r] - t / (1 + t)), ERRORS * mean_se[r] + bias, "tau %g", t);
        cr_expect_lt(fabs(ess[r] - e), ERRORS * ess_se[r] + bias * e, "tau %g", t);
        cr_expect_leq(fabs(error[r]), ERRORS * error_se[r], "%s is biased at tau %g: %g",
                      jebm_csv_text(csv, r, 0), t, error[r]);
        if (t == 0.0 && is_of(csv, r, "multinomial")) {
            /* copies are Binomial(N, 1/N): the mean of |copies - 1| is twice the chance of none */
            const double none = pow(1.0 - 1.0 / N, N);
            cr_expect_lt(fabs(tv[r] - none), ERRORS * tv_se[r]);
            cr_expect_lt(fabs(distinct[r] - (1.0 - none)), ERRORS * tv_se[r]);
        } else if (t == 0.0) {
            cr_expect(tv[r] < 1e-12 && distinct[r] == 1.0, "%s changes equal weights",
                      jebm_csv_text(csv, r, 0));
        } else {
            cr_expect(tv[r] > 0.01 && distinct[r] < 1.0);
        }
    }
    double *all[] = {tau, mean, mean_se, ess, ess_se, tv, tv_se, error, error_se, distinct};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
    jebm_csv_free(csv);
    scratch_free(&s);
}

Test(schemes_program, schemes_share_a_trials_walkers_but_not_its_draws) {
    const scratch s = scratch_new();
    const outcome o = run(&s, "schemes --runs 2" QUIET "--out d");
    expect_done(&o);
    jebm_csv *csv = csv_of(&s, "d/schemes/trajectory.csv");
    double *mean = numbers(csv, "mean_weighted"), *tv = numbers(csv, "tv");
    const size_t cell = 2 * 14;
    cr_assert_eq(jebm_csv_rows(csv), 6 * cell);
    for (size_t r = 0; r < cell; r++) {
        for (size_t scheme = 1; scheme < 6; scheme++) {
            cr_expect_eq(mean[scheme * cell + r], mean[r]);
        }
        /* the runs of a scheme */
        cr_expect(r < 14 || mean[r] != mean[r - 14]);
        cr_expect(r < 14 || tv[r] != tv[r - 14]);
    }
    free(mean);
    free(tv);
    jebm_csv_free(csv);
    scratch_free(&s);
}

/* mean over trials and taus of a scheme's squared error */
static double noise(const scratch *s, const char *file, const char *scheme) {
    jebm_csv *csv = csv_of(s, file);
    double *error_2 = numbers(csv, "error_2"), sum = 0.0;
    size_t count = 0;
    for (size_t r = 0; r < jebm_csv_rows(csv); r++) {
        if (is_of(csv, r, scheme)) {
            sum += error_2[r];
            count++;
        }
    }
    free(error_2);
    jebm_csv_free(csv);
    return sum / (double)count;
}

Test(schemes_program, order_matters_to_systematic_and_not_to_multinomial) {
    const scratch s = scratch_new();
    outcome o = run(&s, "schemes" QUIET "--out r");
    expect_done(&o);
    o = run(&s, "schemes --set sorted=yes" QUIET "--out s");
    expect_done(&o);
    const char *random = "r/schemes/trajectory.csv", *sorted = "s/schemes/trajectory.csv";
    /* sorted, copies follow the distribution function to 1/N: errors O(1/N) instead of
     * O(1/sqrt(N)), squares lower by about N = 1000 */
    cr_expect_lt(noise(&s, sorted, "systematic"), 0.05 * noise(&s, random, "systematic"));
    cr_expect_lt(noise(&s, sorted, "stratified"), 0.05 * noise(&s, random, "stratified"));
    /* 280 squares of Gaussians in both: the ratio is 1 with a standard deviation of
     * sqrt(2 * 2/280) = 0.12, half as much again since the taus differ in size */
    const double ratio = noise(&s, sorted, "multinomial") / noise(&s, random, "multinomial");
    cr_expect(ratio > 0.4 && ratio < 1.0 / 0.4, "%g", ratio);
    scratch_free(&s);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

Test(schemes_program, threads_change_no_byte) {
    static const int threads[] = {1, 2, 3, 8};
    const scratch s = scratch_new();
    for (size_t t = 0; t < 4; t++) {
        const outcome o =
            run(&s, "schemes --runs 3" QUIET "--out t%d --threads %d", threads[t], threads[t]);
        expect_done(&o);
        char many[8];
        snprintf(many, sizeof many, "t%d", threads[t]);
        expect_same_run(&s, "t1", many, "schemes");
    }
    scratch_free(&s);
}

Test(schemes_program, an_interruption_changes_no_byte, .timeout = 60) {
    const scratch s = scratch_new();
    const char *line = "schemes --set walkers=200000 --runs 2" QUIET;
    outcome o = run(&s, "%s --out whole", line);
    expect_done(&o);
    set.interval = "0";
    char command[128];
    int interruptions = 0;
    snprintf(command, sizeof command, "%s --out parts --resume", line);
    for (int i = 0; i < 100; i++) {
        const pid_t child = start(&s, command);
        /* each is given more time than the one before, so that an end is sure */
        wait_ms(100 + 50 * i);
        kill(child, SIGTERM);
        o = finish(&s, child);
        if (o.status == 0) {
            break;
        }
        cr_assert(o.status == 143 || o.status == 1000 + SIGTERM, "%d: %s", o.status, o.err);
        interruptions++;
    }
    cr_expect_gt(interruptions, 0);
    expect_same_run(&s, "whole", "parts", "schemes");
    scratch_free(&s);
}

/* ---- bad input ------------------------------------------------------------------------------ */

Test(schemes_program, bad_input_is_one_line_and_status_2) {
    static const char *const cases[][2] = {
        {"schemes --set iterations=20", "key 'iterations' is 20, expected 13: step 0 and one step "
                                        "for each further one of the 14 'taus'"},
        {"schemes --set taus=0,1,2", "key 'iterations' is 13, expected 2"},
        {"schemes --set taus=-1", "expected 1 to 32 real numbers from 0 to 1000000"},
        {"schemes --set taus=", "expected 1 to 32 real numbers from 0 to 1000000"},
        {"schemes --set walkers=0", "'0' found; expected an integer from 1 to"},
        {"schemes --set walkers=4e9", "lower 'walkers' (--set walkers=...)"},
        {"schemes --set sorted=maybe", "'maybe' found; expected yes or no"},
        {"schemes --set tau=1", "unknown key 'tau' (did you mean 'taus'?)"},
        {"schemes --fidelity code", "schemes has no fidelity 'code'; it has paper"},
        {"scheme", "unknown figure 'scheme' (did you mean 'schemes'?)"},
        {"schemes --data x", "--data 'x': jebm-schemes reads no data; leave it out"},
    };
    expect_refusals(sizeof cases / sizeof *cases, cases);
}

Test(schemes_program, draws_its_figure) {
    if (system("command -v gnuplot > /dev/null 2>&1") != 0) {
        cr_skip_test("gnuplot is not installed");
    }
    const scratch s = scratch_new();
    const outcome o = run(&s, "schemes --quiet --out d");
    expect_done(&o);
    cr_expect_str_empty(o.err);
    cr_expect(exists(&s, "d/schemes/schemes.png") && exists(&s, "d/schemes/schemes.svg"));
    scratch_free(&s);
}
