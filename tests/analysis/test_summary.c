/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "summary.h"

#include "../io/scratch.h"

#include <string.h>

enum { N = 8 };

static scratch place;
static jebm_claim claims[N];
static jebm_judgement list[N];

/* figure, kind, verdict, direction and scale of each made-up claim */
static const struct {
    const char *figure;
    jebm_claim_kind kind;
    jebm_verdict verdict;
    jebm_direction direction;
    const char *scale;
} made_up[N] = {
    {"fig06", JEBM_CLAIM_EXACT, JEBM_VERDICT_EXACT, JEBM_DIRECTION_NONE, "paper"},
    {"fig06", JEBM_CLAIM_REPORTED, JEBM_VERDICT_WITHIN, JEBM_DIRECTION_NONE, "paper"},
    {"mnist", JEBM_CLAIM_QUALITATIVE, JEBM_VERDICT_SCALED, JEBM_DIRECTION_FAILS, "reduced"},
    {"fig06", JEBM_CLAIM_QUALITATIVE, JEBM_VERDICT_UNDERPOWERED, JEBM_DIRECTION_NONE, "paper"},
    {"mnist", JEBM_CLAIM_OURS, JEBM_VERDICT_SCALED, JEBM_DIRECTION_HOLDS, "quick"},
    {"mnist", JEBM_CLAIM_OURS, JEBM_VERDICT_SCALED, JEBM_DIRECTION_UNCLEAR, "quick"},
    {"fig09", JEBM_CLAIM_QUALITATIVE, JEBM_VERDICT_NOT_RUN, JEBM_DIRECTION_NONE, ""},
    {"fig06", JEBM_CLAIM_OURS, JEBM_VERDICT_DEVIATES, JEBM_DIRECTION_NONE, "paper"},
};

static void setup(void) {
    place = scratch_new();
    for (size_t i = 0; i < N; i++) {
        claims[i] = (jebm_claim){.kind = made_up[i].kind};
        strcpy(claims[i].figure, made_up[i].figure);
        list[i] = (jebm_judgement){
            .claim = &claims[i], .verdict = made_up[i].verdict, .direction = made_up[i].direction};
        strcpy(list[i].scale, made_up[i].scale);
    }
}

static void teardown(void) {
    scratch_free(&place);
}

TestSuite(summary, .init = setup, .fini = teardown);

static void expect_counts(const size_t found[JEBM_NSTANDINGS], size_t holds, size_t unclear,
                          size_t fails, size_t not_run) {
    cr_expect_eq(found[JEBM_STANDING_HOLDS], holds);
    cr_expect_eq(found[JEBM_STANDING_UNCLEAR], unclear);
    cr_expect_eq(found[JEBM_STANDING_FAILS], fails);
    cr_expect_eq(found[JEBM_STANDING_NOT_RUN], not_run);
}

Test(summary, the_papers_claims_and_ours_are_counted_apart_for_each_figure) {
    jebm_tally *t;
    size_t n;
    cr_assert_eq(jebm_summary_count(list, N, &t, &n, NULL), JEBM_OK);
    cr_assert_eq(n, 4);
    cr_expect_str_eq(t[0].figure, "fig06");
    expect_counts(t[0].paper, 2, 1, 0, 0);
    expect_counts(t[0].ours, 0, 0, 1, 0);
    cr_expect_str_eq(t[1].figure, "mnist");
    expect_counts(t[1].paper, 0, 0, 1, 0);
    expect_counts(t[1].ours, 1, 1, 0, 0);
    cr_expect_str_eq(t[2].figure, "fig09");
    expect_counts(t[2].paper, 0, 0, 0, 1);
    cr_expect_str_eq(t[3].figure, "all");
    expect_counts(t[3].paper, 2, 1, 1, 1);
    expect_counts(t[3].ours, 1, 1, 1, 0);
    free(t);
}

static char *printed(void) {
    const char *path = scratch_path(&place, "summary.txt");
    FILE *out = fopen(path, "w");
    cr_assert_not_null(out);
    cr_assert_eq(jebm_summary_print(out, list, N, NULL), JEBM_OK);
    fclose(out);
    return scratch_get(path, NULL);
}

Test(summary, lines_fit_into_100_columns_whatever_the_scales) {
    strcpy(claims[1].figure, "bias-resampled-more");
    for (size_t i = 0; i < JEBM_NSCALES; i++) {
        strcpy(list[i].scale, jebm_scales[i]);
        strcpy(claims[i].figure, "fig06");
    }
    claims[2].after = true;
    char *text = printed();
    cr_expect_not_null(strstr(text, "\n1 of the 8 claims were written after"), "%s", text);
    cr_expect_not_null(strstr(text, " | several\n"), "%s", text);
    size_t lines = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
        cr_expect_leq(strlen(line), 100, "%s", line);
    }
    // two lines of heads, three figures, the sum, and what was written after the runs
    cr_expect_eq(lines, 7);
    free(text);
}

Test(summary, a_line_a_figure_with_a_dot_where_there_is_none) {
    char *text = printed();
    cr_expect_not_null(strstr(text,
                              "\nfig06          |     2       1             .       . |     . "
                              "      .             1       . | paper\n"),
                       "%s", text);
    cr_expect_not_null(strstr(text,
                              "\nfig09          |     .       .             .       1 |     . "
                              "      .             .       . | -\n"),
                       "%s", text);
    free(text);
}

Test(summary, markdown_has_the_same_rows) {
    const char *path = scratch_path(&place, "summary.md");
    cr_assert_eq(jebm_summary_markdown(path, list, N, NULL), JEBM_OK);
    char *text = scratch_get(path, NULL);
    cr_expect_not_null(strstr(text, "| ours: not run | written after the runs |\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\n| fig06 | paper | 2 | 1 | | | | | 1 | | |\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\n| mnist | reduced, quick | | | 1 | | 1 | 1 | | | |\n"), "%s",
                       text);
    cr_expect_not_null(strstr(text, "\n| all | | 2 | 1 | 1 | 1 | 1 | 1 | 1 | | |\n"), "%s", text);
    free(text);
}
