/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "claims.h"

#include "../io/scratch.h"

#include <math.h>

#define HEAD                                                                         \
    "figure = fig06\nfidelity = paper\nsource = Fig. 6\nkind = ours\nsays = words\n" \
    "method = pcd\n"
#define TAIL "quantity = last(p)\npredicate = < 1\n"

static scratch place;

static void setup(void) {
    place = scratch_new();
}

static void teardown(void) {
    scratch_free(&place);
}

TestSuite(claims, .init = setup, .fini = teardown);

static jebm_status load(const char *text, jebm_claims *claims, jebm_error *err) {
    const char *path = scratch_path(&place, "claims.ini");
    scratch_put(path, text, strlen(text));
    return jebm_claims_load(path, claims, err);
}

static void expect_refusal(const char *text, const char *words) {
    jebm_claims claims;
    jebm_error err = {0};
    cr_expect_eq(load(text, &claims, &err), JEBM_EINVAL, "accepted:\n%s", text);
    cr_expect_not_null(strstr(err.text, words), "found '%s', wanted '%s'", err.text, words);
    cr_expect_null(strchr(err.text, '\n'));
}

Test(claims, a_section_becomes_one_claim_for_each_fidelity_and_variant) {
    jebm_claims claims;
    jebm_error err = {0};
    cr_assert_eq(load("# a comment\n[weight]\nfigure = fig06\nfidelity = paper code\n"
                      "source = Fig. 6\nkind = exact\nsays = it goes\n  on\nmethod = jarzynski\n"
                      "variant = c=0.1, c=1.0\n" TAIL,
                      &claims, &err),
                 JEBM_OK, "%s", err.text);
    const char *ids[] = {"weight/c=0.1@paper", "weight/c=1.0@paper", "weight/c=0.1@code",
                         "weight/c=1.0@code"};
    cr_assert_eq(claims.count, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_str_eq(claims.list[i].id, ids[i]);
        cr_expect_str_eq(claims.list[i].says, "it goes on");
        cr_expect_eq(claims.list[i].kind, JEBM_CLAIM_EXACT);
        cr_expect_eq(claims.list[i].line, 2);
    }
    jebm_claims_free(&claims);
}

Test(claims, a_claim_says_at_which_scales_it_is_judged_and_when_it_was_written) {
    jebm_claims claims;
    jebm_error err = {0};
    cr_assert_eq(load("[a]\n" HEAD TAIL "[b]\n" HEAD "scales = paper quick\npartial = quick\n"
                      "written = after\n" TAIL,
                      &claims, &err),
                 JEBM_OK, "%s", err.text);
    for (size_t i = 0; i < JEBM_NSCALES; i++) {
        const bool quick = strcmp(jebm_scales[i], "quick") == 0;
        const bool paper = strcmp(jebm_scales[i], "paper") == 0;
        cr_expect(claims.list[0].scales[i] && !claims.list[0].partial[i]);
        cr_expect_eq(claims.list[1].scales[i], quick || paper);
        cr_expect_eq(claims.list[1].partial[i], quick);
    }
    cr_expect(!claims.list[0].after && claims.list[1].after);
    jebm_claims_free(&claims);
    expect_refusal("[a]\n" HEAD "scales = tiny\n" TAIL, ":8: [a] scales = tiny: expected one of");
    expect_refusal("[a]\n" HEAD "written = later\n" TAIL, "expected one of before after");
    expect_refusal("[a]\n" HEAD "low = last(p)\n" TAIL, "expected the other end of the interval");
}

Test(claims, an_unknown_key_names_its_line_and_the_nearest) {
    expect_refusal("[a]\n" HEAD "quantitiy = last(p)\npredicate = < 1\n",
                   "claims.ini:8: [a] found key 'quantitiy', expected a key of a claim (did you "
                   "mean 'quantity'?)");
}

Test(claims, unknown_words_name_the_choices) {
    expect_refusal("[a]\nfigure = f\nfidelity = papre\nsource = s\nkind = ours\nsays = w\n" TAIL,
                   ":3: [a] fidelity = papre: expected one of paper code (did you mean 'paper'?)");
    expect_refusal("[a]\nfigure = f\nfidelity = code\nsource = s\nkind = nice\nsays = w\n" TAIL,
                   ":5: [a] kind = nice: expected one of exact reported qualitative ours");
}

Test(claims, bad_expressions_name_their_line) {
    expect_refusal("[a]\n" HEAD "quantity = last(p\npredicate = < 1\n",
                   ":8: [a] quantity = last(p: expected character 7");
    expect_refusal("[a]\n" HEAD "quantity = last(p)\npredicate = about 3\n",
                   ":9: [a] predicate = about 3: expected found 'about 3', expected '= value");
    expect_refusal("[a]\n" HEAD "quantity = spread(last(p))\npredicate = < 1\n", "a key 'across'");
}

Test(claims, missing_repeated_and_stray_keys_are_refused) {
    expect_refusal("[a]\n" HEAD "quantity = last(p)\n", ":1: [a] has no 'predicate'");
    expect_refusal("[a]\nfigure = f\nfidelity = code\nsource = s\nkind = ours\nsays = w\n" TAIL,
                   ":7: [a] quantity = last(p): expected a key 'method' beside it");
    expect_refusal("[a]\n" HEAD TAIL "kind = ours\n", "'kind' is already given at line 5");
    expect_refusal("[a]\n" HEAD "method = cd\n" TAIL, "'method' is already given at line 7");
    expect_refusal("[a]\n" HEAD TAIL "[b]\n" HEAD TAIL "[a]\n" HEAD TAIL,
                   "[a] is already at line 1");
    expect_refusal("[a]\n" HEAD TAIL "[a]\n" HEAD TAIL, "[a] is already at line 1");
    expect_refusal("figure = fig06\n", "found a key in none");
    expect_refusal("[a]\n" HEAD TAIL "[empty]\n", "2 section headers and keys in 1");
    expect_refusal("[a]\n" HEAD TAIL "rubbish\n", ":10: found neither");
    expect_refusal("[a]\nfigure =\n", ":2: [a] figure = : expected a value");
    expect_refusal("", "0 section headers");
}

Test(claims, lines_and_values_have_an_end) {
    char text[6000] = "[a]\nsays = ";
    memset(text + strlen(text), 'x', 300);
    strcat(text, "\n");
    expect_refusal(text, ":2: found a line of");
    memset(text, 0, sizeof text);
    strcpy(text, "[a]\nsays = begin\n");
    for (int i = 0; i < 20; i++) {
        strcat(text, "  ");
        memset(text + strlen(text), 'x', 100);
        strcat(text, "\n");
    }
    expect_refusal(text, "a text shorter than 1024 characters");
    expect_refusal("[an-id-that-is-much-longer-than-any-report-could-print]\nkind = ours\n",
                   "of 1 to 47 characters");
}

Test(claims, a_file_that_is_not_there_is_named) {
    jebm_claims claims;
    jebm_error err = {0};
    cr_expect_eq(jebm_claims_load(scratch_path(&place, "none.ini"), &claims, &err), JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, "none.ini: No such file"), "%s", err.text);
}

static jebm_region region_of(const char *text) {
    jebm_predicate p;
    jebm_error err = {0};
    jebm_region region;
    jebm_expr_env env = {.variant = "c=0.25"};
    cr_assert_eq(jebm_predicate_parse(text, &p, &err), JEBM_OK, "%s: %s", text, err.text);
    cr_assert_eq(jebm_predicate_eval(&p, &env, &region, &err), JEBM_OK, "%s: %s", text, err.text);
    jebm_predicate_free(&p);
    return region;
}

Test(claims, predicates_mean_regions) {
    jebm_region r = region_of("= 0.25 +- 0.125");
    cr_expect(r.low == 0.125 && r.high == 0.375 && !r.open);
    r = region_of("< -1e-3");
    cr_expect(isinf(r.low) && r.high == -1e-3 && r.open);
    r = region_of("> 1/(1 + $c) - 0.3");
    cr_expect(r.low == 1 / 1.25 - 0.3 && isinf(r.high) && r.open);
    r = region_of("in [-1, 2 * 3]");
    cr_expect(r.low == -1 && r.high == 6 && !r.open);
}

Test(claims, malformed_predicates_are_refused) {
    const char *texts[] = {"", "= 1", "in 1, 2", "in [1 2]", "in [1, 2", "< ", "<= 1", "= a +- 1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        jebm_predicate p;
        cr_expect_neq(jebm_predicate_parse(texts[i], &p, NULL), JEBM_OK, "%s", texts[i]);
        jebm_predicate_free(&p);
    }
    jebm_predicate p;
    jebm_region region;
    jebm_expr_env env = {0};
    cr_assert_eq(jebm_predicate_parse("in [2, 1]", &p, NULL), JEBM_OK);
    cr_expect_eq(jebm_predicate_eval(&p, &env, &region, NULL), JEBM_EMISMATCH);
    jebm_predicate_free(&p);
}

Test(claims, the_shipped_file_covers_figures_6_to_8_at_both_fidelities) {
    jebm_claims claims;
    jebm_error err = {0};
    cr_assert_eq(jebm_claims_load(CLAIMS_FILE, &claims, &err), JEBM_OK, "%s", err.text);
    const char *figures[] = {"fig06", "fig07", "fig08"}, *fidelities[] = {"paper", "code"};
    for (size_t i = 0; i < 6; i++) {
        size_t n = 0;
        for (size_t c = 0; c < claims.count; c++) {
            n += strcmp(claims.list[c].figure, figures[i / 2]) == 0 &&
                 strcmp(claims.list[c].fidelity, fidelities[i % 2]) == 0;
        }
        cr_expect_gt(n, 2, "%s at %s", figures[i / 2], fidelities[i % 2]);
    }
    for (size_t c = 0; c < claims.count; c++) {
        // or the table would be wider than 100 columns
        cr_expect_leq(strlen(claims.list[c].id), 30, "%s", claims.list[c].id);
    }
    jebm_claims_free(&claims);
}
