/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "judge.h"

#include "fixture.h"

#include <math.h>

static const char csv[] = "method,variant,run,step,p,q\n"
                          "cd,-,0,0,0.5,nan\ncd,-,0,4,0.48,nan\n"
                          "cd,-,1,0,0.5,nan\ncd,-,1,4,0.49,nan\n"
                          "cd,-,2,0,0.5,nan\ncd,-,2,4,0.50,nan\n";
static const fixture paper = {"paper", "code", "fig06", csv, 3, NULL, NULL, NULL};

static scratch place;
static jebm_claims claims;
static jebm_results results;
static jebm_judgement j;

static void setup(void) {
    place = scratch_new();
    results = (jebm_results){0};
}

static void teardown(void) {
    jebm_judgement_free(&j);
    jebm_results_free(&results);
    jebm_claims_free(&claims);
    scratch_free(&place);
}

TestSuite(judge, .init = setup, .fini = teardown);

static jebm_status judge(const char *method, const char *quantity, const char *predicate,
                         jebm_error *err) {
    char text[1024];
    snprintf(text, sizeof text,
             "[x]\nfigure = fig06\nfidelity = code\nsource = s\nkind = ours\nsays = w\n"
             "method = %s\nquantity = %s\npredicate = %s\n",
             method, quantity, predicate);
    const char *path = scratch_path(&place, "claims.ini");
    scratch_put(path, text, strlen(text));
    jebm_claims_free(&claims);
    jebm_judgement_free(&j);
    cr_assert_eq(jebm_claims_load(path, &claims, err), JEBM_OK);
    const char *scale = results.scale;
    jebm_results_free(&results);
    cr_assert_eq(jebm_results_open(&results, place.directory, scale, err), JEBM_OK, "%s",
                 err->text);
    return jebm_judge(&claims.list[0], &results, &j, err);
}

static void expect(const char *quantity, const char *predicate, jebm_verdict verdict,
                   jebm_direction direction) {
    jebm_error err = {0};
    cr_assert_eq(judge("cd", quantity, predicate, &err), JEBM_OK, "%s", err.text);
    cr_expect_eq(j.verdict, verdict, "%s %s: %s", quantity, predicate,
                 jebm_verdict_text(j.verdict));
    cr_expect_eq(j.direction, direction, "%s %s: %s", quantity, predicate,
                 jebm_direction_text(j.direction));
}

Test(judge, each_run_gives_one_number_and_the_interval_decides) {
    fixture_put(&place, &paper);
    // 0.48, 0.49, 0.50: mean 0.49, half width 4.30265 * 0.01 / sqrt(3) = 0.02484
    expect("last(p)", "= 0.49 +- 0.025", JEBM_VERDICT_WITHIN, JEBM_DIRECTION_NONE);
    expect("last(p)", "= 0.49 +- 0.024", JEBM_VERDICT_UNDERPOWERED, JEBM_DIRECTION_NONE);
    expect("last(p)", "> 0.52", JEBM_VERDICT_DEVIATES, JEBM_DIRECTION_NONE);
    expect("abs(last(p) - $p_star)", "> 0.1", JEBM_VERDICT_WITHIN, JEBM_DIRECTION_NONE);
    cr_expect_eq(j.interval.n, 3);
    cr_expect(fabs(j.values[2] - 0.25) < 1e-15);
    cr_expect_eq(strlen(j.sha256), 64);
    cr_expect_str_eq(j.data, "paper/code/fig06/trajectory.csv");
}

Test(judge, an_interval_of_each_run_s_own_is_judged_by_the_hull_of_all) {
    fixture_put(&place, &paper);
    // p from 0.48, 0.49, 0.50 to 0.50: the hull of the runs' [last - 0.01, first] is [0.47, 0.5]
    const char *own = "last(p)\nlow = last(p) - 0.01\nhigh = at(p, 0)";
    expect(own, "in [0.4695, 0.5005]", JEBM_VERDICT_WITHIN, JEBM_DIRECTION_NONE);
    cr_expect_float_eq(j.interval.low, 0.47, 1e-12);
    cr_expect_float_eq(j.interval.high, 0.5, 1e-12);
    cr_expect_float_eq(j.interval.mean, 0.49, 1e-12);
    expect(own, "in [0.4705, 0.5005]", JEBM_VERDICT_UNDERPOWERED, JEBM_DIRECTION_NONE);
    expect(own, "in [0.4695, 0.4995]", JEBM_VERDICT_UNDERPOWERED, JEBM_DIRECTION_NONE);
    expect("last(p)\nlow = last(q)\nhigh = last(p)", "> 0", JEBM_VERDICT_NOT_RUN,
           JEBM_DIRECTION_NONE);
}

Test(judge, reduced_size_gives_a_direction_only) {
    fixture f = paper;
    f.scale = "quick";
    fixture_put(&place, &f);
    expect("last(p)", "< 0.6", JEBM_VERDICT_SCALED, JEBM_DIRECTION_HOLDS);
    expect("last(p)", "> 0.6", JEBM_VERDICT_SCALED, JEBM_DIRECTION_FAILS);
    expect("last(p)", "< 0.49", JEBM_VERDICT_SCALED, JEBM_DIRECTION_UNCLEAR);
}

Test(judge, the_largest_complete_scale_is_taken_unless_one_is_asked_for) {
    fixture f = paper;
    f.scale = "quick";
    fixture_put(&place, &f);
    f.scale = "reduced";
    fixture_put(&place, &f);
    f.scale = "paper";
    f.complete = "false";
    fixture_put(&place, &f);
    expect("last(p)", "< 0.6", JEBM_VERDICT_SCALED, JEBM_DIRECTION_HOLDS);
    cr_expect_str_eq(j.scale, "reduced");
    results.scale = "quick";
    expect("last(p)", "< 0.6", JEBM_VERDICT_SCALED, JEBM_DIRECTION_HOLDS);
    cr_expect_str_eq(j.scale, "quick");
    results.scale = "paper";
    expect("last(p)", "< 0.6", JEBM_VERDICT_NOT_RUN, JEBM_DIRECTION_NONE);
    cr_expect_not_null(strstr(j.reason, "paper/code/fig06 is incomplete"), "%s", j.reason);
}

Test(judge, a_claim_is_judged_at_its_own_scales_only) {
    fixture f = paper;
    f.scale = "quick";
    fixture_put(&place, &f);
    expect("last(p)\nscales = paper reduced", "< 0.6", JEBM_VERDICT_NOT_RUN, JEBM_DIRECTION_NONE);
    cr_expect_str_eq(j.reason, "no data for fig06 at fidelity code and scale paper or reduced");
    results.scale = "quick";
    expect("last(p)\nscales = paper reduced", "< 0.6", JEBM_VERDICT_NOT_RUN, JEBM_DIRECTION_NONE);
    cr_expect_str_eq(j.reason, "this claim is not judged at scale quick");
    expect("last(p)\nscales = quick", "< 0.6", JEBM_VERDICT_SCALED, JEBM_DIRECTION_HOLDS);
}

Test(judge, overridden_settings_are_not_the_published_ones) {
    fixture f = paper;
    f.overrides = "\"runs=3\", \"record_every=4\"";
    fixture_put(&place, &f);
    expect("last(p)", "< 0.6", JEBM_VERDICT_WITHIN, JEBM_DIRECTION_NONE);
    f.overrides = "\"runs=3\", \"walkers=10\"";
    fixture_put(&place, &f);
    expect("last(p)", "< 0.6", JEBM_VERDICT_SCALED, JEBM_DIRECTION_HOLDS);
    cr_expect_not_null(strstr(j.reason, "--set walkers=10"), "%s", j.reason);
}

Test(judge, without_data_or_cell_a_claim_is_not_run) {
    expect("last(p)", "< 0.6", JEBM_VERDICT_NOT_RUN, JEBM_DIRECTION_NONE);
    cr_expect_not_null(strstr(j.reason, "no data for fig06"), "%s", j.reason);
    fixture_put(&place, &paper);
    expect("{pcd} last(p)", "< 0.6", JEBM_VERDICT_NOT_RUN, JEBM_DIRECTION_NONE);
    cr_expect_not_null(strstr(j.reason, "no run 0 of pcd"), "%s", j.reason);
    cr_expect_eq(j.interval.n, 0);
}

Test(judge, a_cell_that_lacks_a_run_makes_the_claim_not_run) {
    fixture f = paper;
    f.runs = 4;
    fixture_put(&place, &f);
    expect("last(p)", "< 0.6", JEBM_VERDICT_NOT_RUN, JEBM_DIRECTION_NONE);
    cr_expect_not_null(strstr(j.reason, "no run 3 of cd"), "%s", j.reason);
}

Test(judge, one_run_is_underpowered) {
    fixture f = paper;
    f.runs = 1;
    f.csv = "method,variant,run,step,p\ncd,-,0,0,0.5\n";
    fixture_put(&place, &f);
    expect("last(p)", "< 0.6", JEBM_VERDICT_UNDERPOWERED, JEBM_DIRECTION_NONE);
}

Test(judge, diverged_runs_are_left_out_and_told) {
    fixture f = paper;
    f.diverged = "{\"method\": \"cd\", \"variant\": \"-\", \"run\": 2}";
    fixture_put(&place, &f);
    // the two that are left would do, but they are a selection
    expect("last(p)", "< 0.6", JEBM_VERDICT_UNDERPOWERED, JEBM_DIRECTION_NONE);
    cr_expect_eq(j.interval.n, 2);
    cr_expect_str_eq(j.reason, "1 of 3 runs diverged and are left out");
    expect("last(p)", "> 0.9", JEBM_VERDICT_DEVIATES, JEBM_DIRECTION_NONE);
}

Test(judge, when_all_runs_diverged_the_claim_deviates) {
    fixture f = paper;
    f.diverged = "{\"method\": \"cd\", \"variant\": \"-\", \"run\": 0},"
                 "{\"method\": \"cd\", \"variant\": \"-\", \"run\": 1},"
                 "{\"method\": \"cd\", \"variant\": \"-\", \"run\": 2}";
    fixture_put(&place, &f);
    expect("last(p)", "< 0.6", JEBM_VERDICT_DEVIATES, JEBM_DIRECTION_NONE);
    cr_expect_str_eq(j.reason, "3 of 3 runs diverged and none is left");
}

/* the claim is not run for the reason, and nothing is left of a half-made measurement */
static void expect_not_run(const char *quantity, const char *predicate, const char *reason) {
    expect(quantity, predicate, JEBM_VERDICT_NOT_RUN, JEBM_DIRECTION_NONE);
    cr_expect_str_eq(j.reason, reason);
    cr_expect_eq(j.interval.n, 0);
    cr_expect_eq(j.diverged, 0);
}

Test(judge, what_the_data_cannot_answer_is_not_run_and_says_why) {
    fixture_put(&place, &paper);
    expect_not_run("last(q)", "< 1", "the quantity is nan in run 0 of paper/code/fig06");
    expect_not_run("last(stepp)", "< 1",
                   "paper/code/fig06 has no column 'stepp' (did you mean 'step'?)");
    expect_not_run("slope(p, 0.5K, K)", "< 1",
                   "paper/code/fig06 has 1 recorded steps from 2 to 4, slope() needs 2");
    expect_not_run("mean(p, 1600, K)", "< 1",
                   "paper/code/fig06 has 0 recorded steps from 1600 to 4, mean() needs 1");
    expect_not_run("$rate*last(p)", "< 1",
                   "'$rate' is neither in the variant '-' nor a setting of paper/code/fig06");
    expect_not_run("last(p)", "< $words",
                   "'$words' is 'a b' in paper/code/fig06, expected one finite number");
    expect_not_run("last(p)", "= 1 +- $p_star - 1", "the predicate's region [1.75, 0.25] is empty");
    expect_not_run("{cd c=1} last(p)", "< 1", "paper/code/fig06 has no run 0 of cd c=1");
}

Test(judge, a_run_that_diverged_before_the_stretch_is_left_out_like_another) {
    fixture f = paper;
    f.csv = "method,variant,run,step,p\ncd,-,0,0,0.5\ncd,-,0,4,0.48\ncd,-,1,0,0.5\n"
            "cd,-,2,0,0.5\ncd,-,2,4,0.50\n";
    f.diverged = "{\"method\": \"cd\", \"variant\": \"-\", \"run\": 1}";
    fixture_put(&place, &f);
    expect("mean(p, 0.5K, K)", "> 0.9", JEBM_VERDICT_DEVIATES, JEBM_DIRECTION_NONE);
    cr_expect_str_eq(j.reason, "1 of 3 runs diverged and are left out");
    cr_expect_eq(j.interval.n, 2);
}
