/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "expr.h"

#include "fixture.h"

#include <criterion/parameterized.h>
#include <gsl/gsl_fit.h>
#include <gsl/gsl_rng.h>
#include <math.h>

/* one run of pcd and one of jarzynski at two thresholds, steps 0, 1, 2, 4 */
static const char csv[] = "method,variant,run,step,p,q\n"
                          "jarzynski,c=0.5,0,0,0.5,1\n"
                          "jarzynski,c=0.5,0,1,0.25,2\n"
                          "jarzynski,c=0.5,0,2,0.75,3\n"
                          "jarzynski,c=0.5,0,4,0.125,8\n"
                          "jarzynski,c=1,0,0,0.5,1\n"
                          "jarzynski,c=1,0,1,0.4,1\n"
                          "jarzynski,c=1,0,2,0.3,1\n"
                          "jarzynski,c=1,0,4,0.2,nan\n"
                          "pcd,-,0,0,0.5,1\n"
                          "pcd,-,0,1,0.5,1\n"
                          "pcd,-,0,2,0.5,1\n"
                          "pcd,-,0,4,0.9,1\n";

static scratch place;
static jebm_figure_data data;
static char across[2][32] = {"c=0.5", "c=1.0"};
static jebm_expr_env env;

static void setup(void) {
    place = scratch_new();
    const fixture f = {"paper", "code", "fig06", csv, 1, NULL, NULL, NULL};
    fixture_put(&place, &f);
    jebm_error err;
    cr_assert_eq(jebm_figure_data_load(place.directory, "paper/code/fig06", &data, &err), JEBM_OK,
                 "%s", err.text);
    env = (jebm_expr_env){.data = &data,
                          .method = "jarzynski",
                          .variant = "c=0.5",
                          .across = (const char(*)[32])across,
                          .nacross = 2};
}

static void teardown(void) {
    jebm_figure_data_free(&data);
    scratch_free(&place);
}

TestSuite(expr, .init = setup, .fini = teardown);

static double value_of(const char *text) {
    jebm_expr *e;
    jebm_error err = {0};
    double value = NAN;
    cr_assert_eq(jebm_expr_parse(text, &e, &err), JEBM_OK, "%s: %s", text, err.text);
    cr_assert_eq(jebm_expr_eval(e, &env, &value, &err), JEBM_OK, "%s: %s", text, err.text);
    jebm_expr_free(e);
    return value;
}

static void expect(const char *text, double wanted) {
    const double value = value_of(text);
    cr_expect(fabs(value - wanted) <= 1e-14 * fmax(1.0, fabs(wanted)), "%s = %.17g, wanted %.17g",
              text, value, wanted);
}

Test(expr, arithmetic_follows_school_precedence) {
    expect("1 + 2 * 3 - 4 / 8", 6.5);
    expect("8 - 4 - 2", 2.0);
    expect("8 / 4 / 2", 1.0);
    expect("-(1 - 3) * -.5e1", -10.0);
    expect("abs(-2) + sqrt(9) + log(1) + least(3, 1, 2) + greatest(3, 1, 2)", 9.0);
}

Test(expr, reductions_work_over_the_recorded_steps) {
    expect("last(p)", 0.125);
    expect("min(p)", 0.125);
    expect("max(p)", 0.75);
    expect("argmin(p)", 4.0);
    expect("argmax(p)", 2.0);
    expect("mean(p)", 0.40625);
    expect("mean(p, 1, 2)", 0.5);
    expect("max(p, 0, 0.25K)", 0.5);
    expect("crossings(p, 0.4)", 3.0);
    expect("below(p, 0.3)", 1.0);
    expect("below(p, 0)", 4.0);
    expect("K + 0.5K", 6.0);
    expect("max(abs(p - q / 4))", 1.875);
}

Test(expr, at_takes_the_nearest_recorded_step) {
    expect("at(q, 1.4)", 2.0);
    expect("at(q, 3.5)", 8.0);
    expect("at(q, K)", 8.0);
}

Test(expr, crossings_ignore_values_on_the_level) {
    // 0.5 0.25 0.75 0.125 starts on the level; pcd stays on it and then leaves
    expect("crossings(p, 0.5)", 2.0);
    expect("{pcd} crossings(p, 0.5)", 0.0);
}

Test(expr, slope_equals_gsl_least_squares) {
    const double step[] = {0, 1, 2, 4}, p[] = {0.5, 0.25, 0.75, 0.125};
    double c0, c1, cov00, cov01, cov11, sum;
    gsl_fit_linear(step, 1, p, 1, 4, &c0, &c1, &cov00, &cov01, &cov11, &sum);
    expect("slope(p)", c1);
    gsl_fit_linear(step + 2, 1, p + 2, 1, 2, &c0, &c1, &cov00, &cov01, &cov11, &sum);
    expect("slope(p, 0.5K, K)", c1);
}

Test(expr, other_cells_and_all_thresholds_can_be_reached) {
    expect("{pcd} last(p) - last(p)", 0.775);
    expect("{jarzynski c=1.0} last(p)", 0.2); // the data say c=1
    expect("spread(last(p))", 0.075);
    expect("lowest(last(p))", 0.125);
    expect("highest(last(p) - {pcd} last(p))", -0.7);
    expect("highest($c)", 1.0);
}

Test(expr, settings_come_from_the_variant_and_then_the_preset) {
    expect("1/(1 + $c)", 1 / 1.5);
    expect("max(p - $p_star)", 0.5);
    expect("$iterations", 4.0);
}

Test(expr, a_nan_among_the_rows_is_never_passed_over) {
    const char *texts[] = {"min(q)",   "max(q)",      "mean(q)",         "argmin(q)",
                           "slope(q)", "below(q, 0)", "crossings(q, 5)", "last(q)"};
    env.variant = "c=1";
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cr_expect(isnan(value_of(texts[i])), "%s", texts[i]);
    }
}

static void expect_refusal(const char *text, const char *words) {
    jebm_expr *e;
    jebm_error err = {0};
    cr_expect_eq(jebm_expr_parse(text, &e, &err), JEBM_EINVAL, "%s was accepted", text);
    cr_expect_not_null(strstr(err.text, words), "%s: found '%s', wanted '%s'", text, err.text,
                       words);
}

Test(expr, parse_errors_say_where_and_what_was_expected) {
    expect_refusal("last(p", "character 7: found the end, expected ',' or ')'");
    expect_refusal("lats(p)",
                   "character 1: found 'lats', expected a function (did you mean 'last'?)");
    expect_refusal("p + 1", "character 1: found 'p', expected a number or a reduction");
    expect_refusal("last(min(p))", "character 6: found 'min', expected a column");
    expect_refusal("spread(spread(last(p)))", "do not nest");
    expect_refusal("mean(p, 1)", "a further argument");
    expect_refusal("last(p, 1)", "no further argument");
    expect_refusal("1 +", "found the end");
    expect_refusal("1 2", "an operator or the end");
    expect_refusal("", "found the end");
    expect_refusal("{} last(p)", "'{method}'");
    expect_refusal("{pcd last(p)", "'{method}'");
    expect_refusal("{pcd} 3", "a reduction after the cell");
    expect_refusal("$", "the name of a setting");
    expect_refusal("1e999", "a finite number");
    expect_refusal("max(p - 0.5K)", "K has no meaning");
}

Test(expr, deep_and_long_texts_are_refused) {
    char text[4096];
    memset(text, '(', sizeof text);
    text[sizeof text - 1] = '\0';
    expect_refusal(text, "less nesting");
    memset(text, '-', sizeof text - 1);
    expect_refusal(text, "less nesting");
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        text[i] = i % 2 ? '+' : '1';
    }
    expect_refusal(text, "a shorter expression");
}

Test(expr, token_soup_is_refused_or_read_but_never_harms) {
    static const char *const tokens[] = {
        "(",      ")",     "{", "}", ",", "$c", "K", "0.5K", "1", "last", "p", "spread(",
        "mean(p", "{pcd}", "+", "-", "*", "/",  " ", "min(", "$", "c=1",  "."};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(rng, 7);
    for (int round = 0; round < 20000; round++) {
        char text[256] = "";
        for (size_t n = gsl_rng_uniform_int(rng, 12); n > 0; n--) {
            strcat(text, tokens[gsl_rng_uniform_int(rng, sizeof tokens / sizeof *tokens)]);
        }
        jebm_expr *e;
        double value;
        if (jebm_expr_parse(text, &e, NULL) == JEBM_OK) {
            jebm_expr_eval(e, &env, &value, NULL);
            jebm_expr_free(e);
        }
    }
    gsl_rng_free(rng);
}

static void expect_failure(const char *text, jebm_status status, const char *words) {
    jebm_expr *e;
    jebm_error err = {0};
    double value;
    cr_assert_eq(jebm_expr_parse(text, &e, &err), JEBM_OK, "%s: %s", text, err.text);
    cr_expect_eq(jebm_expr_eval(e, &env, &value, &err), status, "%s", text);
    cr_expect_not_null(strstr(err.text, words), "%s: found '%s', wanted '%s'", text, err.text,
                       words);
    jebm_expr_free(e);
}

Test(expr, what_the_data_lack_is_named_in_one_clause) {
    expect_failure("last(stepp)", JEBM_EMISMATCH,
                   "paper/code/fig06 has no column 'stepp' (did you mean 'step'?)");
    expect_failure("$nothing", JEBM_EMISMATCH, "'$nothing' is neither");
    expect_failure("$words", JEBM_EMISMATCH, "expected one finite number");
    expect_failure("{cd} last(p)", JEBM_EMISMATCH, "paper/code/fig06 has no run 0 of cd -");
    expect_failure("mean(p, 2.5, 3)", JEBM_EMISMATCH,
                   "paper/code/fig06 has 0 recorded steps from 2.5 to 3, mean() needs 1");
    expect_failure("slope(p, 4, 4)", JEBM_EMISMATCH,
                   "has 1 recorded steps from 4 to 4, slope() "
                   "needs 2");
    expect_failure("at(p, 10)", JEBM_EMISMATCH,
                   "paper/code/fig06 ends at step 4, at() needs step 10");
    expect_failure("max(p, 0, 2.5*2)", JEBM_EMISMATCH, "ends at step 4, max() needs step 5");
    env.method = "";
    expect_failure("last(p)", JEBM_EINVAL, "names no method");
}
