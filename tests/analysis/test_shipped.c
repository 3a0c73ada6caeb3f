/* The shipped claims against made-up curves: a predicate holds where its sentence is true and fails
 * where it is false.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "judge.h"

#include "fixture.h"

#include <stdarg.h>

enum { RUNS = 3 };

static scratch place;
static jebm_claims claims;
static char csv[8192];

static void setup(void) {
    jebm_error err = {0};
    place = scratch_new();
    cr_assert_eq(jebm_claims_load(CLAIMS_FILE, &claims, &err), JEBM_OK, "%s", err.text);
}

static void teardown(void) {
    jebm_claims_free(&claims);
    scratch_free(&place);
}

TestSuite(shipped, .init = setup, .fini = teardown);

static void add(const char *format, ...) {
    va_list args;
    const size_t used = strlen(csv);
    va_start(args, format);
    vsnprintf(csv + used, sizeof csv - used, format, args);
    va_end(args);
}

/* rows of a cell at steps 0, 5 and 10; each run a hair from the others, so that there is an
 * interval */
static void cell(const char *method, const char *variant, double first, double middle,
                 double last) {
    const double values[3] = {first, middle, last};
    for (int run = 0; run < RUNS; run++) {
        for (int i = 0; i < 3; i++) {
            add("%s,%s,%d,%d,%.17g\n", method, variant, run, 5 * i, values[i] + 1e-6 * run);
        }
    }
}

static void start_table(const char *column) {
    csv[0] = '\0';
    add("method,variant,run,step,%s\n", column);
}

/* the figure's data at the published scale, and what comes of a claim */
static jebm_verdict verdict(const char *figure, const char *id) {
    const fixture f = {"paper", "paper", figure, csv, RUNS, NULL, NULL, NULL};
    jebm_results results;
    jebm_judgement j;
    jebm_error err = {0};
    size_t i = 0;
    fixture_put(&place, &f);
    cr_assert_eq(jebm_results_open(&results, place.directory, NULL, &err), JEBM_OK, "%s", err.text);
    while (i < claims.count && strcmp(claims.list[i].id, id) != 0) {
        i++;
    }
    cr_assert_lt(i, claims.count, "no claim %s", id);
    cr_assert_eq(jebm_judge(&claims.list[i], &results, &j, &err), JEBM_OK, "%s", err.text);
    cr_expect_neq(j.verdict, JEBM_VERDICT_NOT_RUN, "%s: %s", id, j.reason);
    const jebm_verdict found = j.verdict;
    jebm_judgement_free(&j);
    jebm_results_free(&results);
    return found;
}

static const char *const thresholds[] = {"c=0.1", "c=0.2", "c=0.4", "c=0.8", "c=1"};

static jebm_verdict descent(double first, double middle, double last) {
    start_table("kl_exact");
    for (size_t i = 0; i < 5; i++) {
        cell("jarzynski", thresholds[i], first, middle, last);
    }
    return verdict("fig06", "fig06-jarzynski-descends@paper");
}

Test(shipped, a_flat_curve_does_not_descend) {
    cr_expect_eq(descent(20, 1, 0.01), JEBM_VERDICT_WITHIN);
    cr_expect_eq(descent(20, 20, 20), JEBM_VERDICT_DEVIATES);
    cr_expect_eq(descent(20, 19, 18.99), JEBM_VERDICT_DEVIATES);
    // and one that comes back up does not either
    cr_expect_eq(descent(20, 0.01, 0.2), JEBM_VERDICT_DEVIATES);
}

Test(shipped, a_collapse_is_one_whichever_mode_is_left) {
    static const struct {
        double p;
        jebm_verdict verdict;
    } ends[] = {{0.001, JEBM_VERDICT_WITHIN},
                {0.999, JEBM_VERDICT_WITHIN},
                {0.25, JEBM_VERDICT_DEVIATES},
                {0.5, JEBM_VERDICT_DEVIATES}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        start_table("p");
        cell("pcd", "-", 0.5, 0.5, ends[i].p);
        cr_expect_eq(verdict("fig01", "fig01-pcd-p@paper"), ends[i].verdict, "p = %g", ends[i].p);
    }
}

static jebm_verdict resamplings(const double counts[5]) {
    start_table("resamplings");
    for (size_t i = 0; i < 5; i++) {
        cell("jarzynski", thresholds[i], 0, 0, counts[i]);
    }
    return verdict("fig07", "fig07-resamplings@paper");
}

Test(shipped, equal_numbers_of_resamplings_are_not_fewer) {
    cr_expect_eq(resamplings((const double[5]){40, 20, 10, 6, 5}), JEBM_VERDICT_WITHIN);
    cr_expect_eq(resamplings((const double[5]){40, 20, 10, 5, 5}), JEBM_VERDICT_DEVIATES);
}

/* systematic at the rarest lag ends at the target's 0.25 plus an offset of each run */
static jebm_verdict rare(const double offsets[RUNS]) {
    start_table("p");
    for (int run = 0; run < RUNS; run++) {
        for (int step = 0; step <= 10; step += 5) {
            add("systematic,lag=10000,%d,%d,%.17g\n", run, step,
                step == 10 ? 0.25 + offsets[run] : 0.5);
        }
    }
    return verdict("fig10", "fig10-rare-syst@paper");
}

Test(shipped, scatter_around_the_target_is_not_off_the_target) {
    cr_expect_eq(rare((const double[RUNS]){-0.07, -0.071, -0.069}), JEBM_VERDICT_WITHIN);
    // as far in each run, but on both sides
    cr_expect_eq(rare((const double[RUNS]){-0.07, 0.07, 0.001}), JEBM_VERDICT_UNDERPOWERED);
    cr_expect_eq(rare((const double[RUNS]){0.001, 0.0, 0.002}), JEBM_VERDICT_DEVIATES);
}

/* log Z by the evaluation population, 46 at the start, while p goes from 1/2 to 1/4 */
static jebm_verdict log_z(double measured_last) {
    csv[0] = '\0';
    add("method,variant,run,step,p,kl_exact,kl_evaluation,log_z_exact\n");
    for (size_t i = 0; i < 5; i++) {
        for (int run = 0; run < RUNS; run++) {
            const double hair = 1e-6 * run;
            add("jarzynski,%s,%d,0,0.5,20,20,%.17g\n", thresholds[i], run, 46 + hair);
            add("jarzynski,%s,%d,10,0.25,1,%.17g,%.17g\n", thresholds[i], run,
                1 + measured_last - 46.7, 46.7);
        }
    }
    return verdict("fig06", "fig06-log-z@paper");
}

Test(shipped, log_z_is_measured_and_not_only_computed) {
    // log 2 = 0.693 is what log p has fallen by
    cr_expect_eq(log_z(46.69), JEBM_VERDICT_WITHIN);
    cr_expect_eq(log_z(46.0), JEBM_VERDICT_DEVIATES);
}
