/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plans.h"

#include "../io/scratch.h"

#include <string.h>

static scratch place;
static jebm_plans plans;
static jebm_claims claims;

static void setup(void) {
    place = scratch_new();
}

static void teardown(void) {
    jebm_plans_free(&plans);
    jebm_claims_free(&claims);
    scratch_free(&place);
}

TestSuite(plans, .init = setup, .fini = teardown);

static jebm_status read_plans(const char *text, jebm_error *err) {
    const char *path = scratch_path(&place, "plans");
    scratch_put(path, text, strlen(text));
    return jebm_plans_read(path, &plans, err);
}

/* a plan of fig06 at fidelity paper: steps 0 to K by 5, jarzynski at the variants */
static void plan(const char *scale, int k, const char *variants) {
    char text[2048], cells[512] = "", steps[512] = "0";
    for (const char *at = variants; *at != '\0';) {
        const size_t n = strcspn(at, " "), used = strlen(cells);
        snprintf(cells + used, sizeof cells - used,
                 "%s{\"method\": \"jarzynski\", \"variant\": \"%.*s\"}", used > 0 ? "," : "",
                 (int)n, at);
        at += n + (at[n] == ' ');
    }
    for (int step = 5; step <= k; step += 5) {
        const size_t used = strlen(steps);
        snprintf(steps + used, sizeof steps - used, ",%d", step);
    }
    snprintf(text, sizeof text,
             "{\"figure\": \"fig06\", \"scale\": \"%s\", \"fidelity\": \"paper\", \"preset\": "
             "{\"h\": \"0.1\"}, \"cells\": [%s], \"columns\": [\"step\", \"p\"], \"steps\": "
             "[%s]}\n",
             scale, cells, steps);
    jebm_error err = {0};
    cr_assert_eq(read_plans(text, &err), JEBM_OK, "%s", err.text);
}

/* the number of failures of one claim with these keys, and what is printed of them */
static size_t failures(const char *keys, char **printed) {
    char text[1024];
    snprintf(text, sizeof text,
             "[x]\nfigure = fig06\nfidelity = paper\nsource = s\nkind = ours\nsays = w\n"
             "method = jarzynski\n%s\npredicate = < 1\n",
             keys);
    const char *path = scratch_path(&place, "claims.ini"), *out = scratch_path(&place, "out");
    scratch_put(path, text, strlen(text));
    jebm_error err = {0};
    jebm_claims_free(&claims);
    cr_assert_eq(jebm_claims_load(path, &claims, &err), JEBM_OK, "%s", err.text);
    FILE *f = fopen(out, "w");
    size_t n;
    cr_assert_not_null(f);
    cr_assert_eq(jebm_plans_check(f, &claims, &plans, NULL, NULL, &n, &err), JEBM_OK, "%s",
                 err.text);
    fclose(f);
    *printed = scratch_get(out, NULL);
    return n;
}

static void expect(const char *keys, size_t n, const char *line) {
    char *printed;
    const size_t found = failures(keys, &printed);
    cr_expect_eq(found, n, "%s: %zu failures\n%s", keys, found, printed);
    cr_expect_not_null(strstr(printed, line), "%s: wanted '%s', found '%s'", keys, line, printed);
    free(printed);
}

Test(plans, what_a_scale_lacks_is_named_before_any_run) {
    plan("quick", 10, "c=1");
    plan("paper", 20, "c=1 c=2");
    expect("variant = c=1\nquantity = last(p)*$h*$c", 0, "");
    expect("variant = c=1\nquantity = slope(p, 15, K)", 1,
           "x/c=1@paper: quick/paper/fig06 has 0 recorded steps from 15 to 10");
    expect("variant = c=1\nquantity = at(p, 1.5/$h)", 1, "quick/paper/fig06 ends at step 10");
    expect("variant = c=1\nquantity = slope(p, 0.5K, K)", 0, "");
    expect("variant = c=1\nquantity = last(q)", 2, "paper/paper/fig06 has no column 'q'");
    expect("variant = c=1\nquantity = last(p)*$rate", 2, "'$rate' is neither");
    expect("variant = c=2\nquantity = last(p)", 1, "quick/paper/fig06 has no run 0 of jarzynski");
    // what a run would give does not matter
    expect("variant = c=1\nquantity = log(last(p - 0.5))/last(p - p)", 0, "");
}

Test(plans, a_claim_may_leave_scales_out_on_purpose) {
    plan("quick", 10, "c=1");
    plan("paper", 20, "c=1");
    expect("variant = c=1\nscales = paper\nquantity = slope(p, 15, K)", 0, "");
    expect("variant = c=1\nscales = reduced\nquantity = last(p)", 1,
           "its figure has none of its scales");
}

Test(plans, a_figure_that_nobody_offers_is_a_failure) {
    plan("quick", 10, "c=1");
    char *printed;
    plans.list[0].manifest =
        (json_decref(plans.list[0].manifest), json_pack("{s:s}", "figure", "y"));
    cr_expect_eq(failures("variant = c=1\nquantity = last(p)", &printed), 1);
    cr_expect_not_null(strstr(printed, "no plan has its figure and fidelity"), "%s", printed);
    free(printed);
}

Test(plans, where_variants_are_left_out_on_purpose_one_must_be_there) {
    plan("quick", 10, "c=1");
    plan("paper", 20, "c=1 c=2");
    expect("variant = c=1 c=2\npartial = quick\nquantity = last(p)", 0, "");
    expect("variant = c=2\npartial = quick\nquantity = last(p)", 1, "x/c=2@paper: quick/paper");
    expect("variant = c=1 c=2\npartial = reduced\nquantity = last(p)", 1, "x/c=2@paper: quick");
}

Test(plans, lines_that_are_no_plans_are_refused) {
    static const char *const texts[] = {
        "",
        "{\n",
        "[]\n",
        "{}\n",
        "{\"figure\": \"a\", \"cells\": [], \"columns\": [\"step\"], \"steps\": [0]}\n",
        "{\"figure\": \"a\", \"cells\": [{}], \"columns\": [\"step\"], \"steps\": [0]}\n",
        "{\"figure\": \"a\", \"cells\": [{\"method\": \"m\", \"variant\": \"-\"}], \"columns\": "
        "[3], \"steps\": [0]}\n",
        "{\"figure\": \"a\", \"cells\": [{\"method\": \"m\", \"variant\": \"-\"}], \"columns\": "
        "[\"step\"], \"steps\": [\"0\"]}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        jebm_error err = {0};
        cr_expect_eq(read_plans(texts[i], &err), JEBM_EFORMAT, "accepted: %s", texts[i]);
        cr_expect_not_null(strstr(err.text, "--plan printed"), "%s", err.text);
        jebm_plans_free(&plans);
    }
    jebm_error err = {0};
    cr_expect_eq(jebm_plans_read(scratch_path(&place, "none"), &plans, &err), JEBM_EIO);
}
