/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report.h"

#include "../io/scratch.h"

#include <jansson.h>
#include <math.h>

static scratch place;
static char says[] = "a | b", source[] = "Fig. 6", quantity[] = "last(p)", predicate[] = "< 1";
static jebm_claim claims[2];
static double values[] = {0.25, 0.35};
static size_t runs[] = {0, 1};
static jebm_judgement list[2];

static void setup(void) {
    place = scratch_new();
    for (size_t i = 0; i < 2; i++) {
        claims[i] = (jebm_claim){.figure = "fig06",
                                 .fidelity = "paper",
                                 .method = "cd",
                                 .kind = JEBM_CLAIM_OURS,
                                 .source = source,
                                 .says = says,
                                 .quantity = quantity,
                                 .predicate = predicate};
        list[i] = (jebm_judgement){.claim = &claims[i],
                                   .verdict = JEBM_VERDICT_WITHIN,
                                   .interval = jebm_interval_over_runs(values, 2),
                                   .has_region = true,
                                   .region = {-INFINITY, 1, true},
                                   .values = values,
                                   .runs = runs,
                                   .scale = "paper",
                                   .sha256 = "00ff"};
    }
    strcpy(claims[0].id, "one@paper");
    strcpy(claims[1].id, "two@paper");
    // one run: no interval
    list[1].interval = jebm_interval_over_runs(values, 1);
}

static void teardown(void) {
    scratch_free(&place);
}

TestSuite(report, .init = setup, .fini = teardown);

Test(report, json_holds_every_number_exactly) {
    const char *path = scratch_path(&place, "verdicts.json");
    jebm_error err = {0};
    cr_assert_eq(jebm_report_json(path, list, 2, &err), JEBM_OK, "%s", err.text);
    json_t *root = json_load_file(path, 0, NULL);
    cr_assert_not_null(root);
    const json_t *one = json_array_get(json_object_get(root, "claims"), 0);
    const json_t *two = json_array_get(json_object_get(root, "claims"), 1);
    cr_expect_str_eq(json_string_value(json_object_get(one, "verdict")), "within");
    cr_expect_eq(json_real_value(json_object_get(one, "estimate")), list[0].interval.mean);
    cr_expect_eq(json_real_value(json_array_get(json_object_get(one, "interval"), 0)),
                 list[0].interval.low);
    cr_expect_eq(json_real_value(json_array_get(json_object_get(one, "values"), 1)), 0.35);
    cr_expect_str_eq(json_string_value(json_object_get(one, "sha256")), "00ff");
    cr_expect(json_is_null(json_array_get(json_object_get(one, "region"), 0)));
    cr_expect(json_is_null(json_array_get(json_object_get(two, "interval"), 0)));
    cr_expect(json_is_null(json_object_get(two, "direction")));
    json_decref(root);
}

Test(report, markdown_keeps_bars_inside_cells) {
    const char *path = scratch_path(&place, "verdicts.md");
    cr_assert_eq(jebm_report_markdown(path, list, 2, NULL), JEBM_OK);
    char *text = scratch_get(path, NULL);
    cr_expect_not_null(strstr(text, "| `one@paper` | a \\| b (ours) | within | 0.3 |"), "%s", text);
    free(text);
}

Test(report, brief_counts_the_verdicts_of_a_section_at_each_fidelity) {
    const char *path = scratch_path(&place, "brief.md");
    strcpy(claims[0].section, "one");
    strcpy(claims[1].section, "one");
    list[1].verdict = JEBM_VERDICT_DEVIATES;
    cr_assert_eq(jebm_report_brief(path, list, 2, NULL), JEBM_OK);
    char *text = scratch_get(path, NULL);
    // means 0.3 of two runs and 0.25 of one; nothing at fidelity code
    cr_expect_not_null(strstr(text, "\n| `one` | a \\| b (ours) | `< 1` | 1 **within**, 1 "
                                    "**deviates**: 0.25 to 0.3 | |\n"),
                       "%s", text);
    free(text);
    strcpy(claims[1].section, "two");
    strcpy(claims[1].fidelity, "code");
    cr_assert_eq(jebm_report_brief(path, list, 2, NULL), JEBM_OK);
    text = scratch_get(path, NULL);
    cr_expect_not_null(strstr(text, "| **within**: 0.3 | |\n"), "%s", text);
    cr_expect_not_null(strstr(text, "| | **deviates**: 0.25 |\n"), "%s", text);
    free(text);
}

Test(report, claims_written_after_the_runs_are_marked_in_every_table) {
    claims[0].after = true;
    strcpy(claims[0].section, "one");
    strcpy(claims[1].section, "two");
    const char *path = scratch_path(&place, "marked");
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    jebm_report_table(f, list, 2);
    fclose(f);
    char *text = scratch_get(path, NULL);
    cr_expect_not_null(strstr(text, " within* "), "%s", text);
    cr_expect_not_null(strstr(text, "\n* written after a run that judges it was seen\n"), "%s",
                       text);
    cr_expect_not_null(strstr(text, " within  "), "%s", text);
    free(text);
    cr_assert_eq(jebm_report_markdown(path, list, 2, NULL), JEBM_OK);
    text = scratch_get(path, NULL);
    cr_expect_not_null(strstr(text, "| a \\| b (ours, written after the runs) |"), "%s", text);
    free(text);
    cr_assert_eq(jebm_report_brief(path, list, 2, NULL), JEBM_OK);
    text = scratch_get(path, NULL);
    cr_expect_not_null(strstr(text, "| `one` | a \\| b (ours, written after the runs) |"), "%s",
                       text);
    cr_expect_not_null(strstr(text, "| `two` | a \\| b (ours) |"), "%s", text);
    free(text);
    cr_assert_eq(jebm_report_json(path, list, 2, NULL), JEBM_OK);
    json_t *root = json_load_file(path, 0, NULL);
    const json_t *all = json_object_get(root, "claims");
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(all, 0), "written")),
                     "after");
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(all, 1), "written")),
                     "before");
    json_decref(root);
}

Test(report, table_lines_fit_into_100_columns) {
    const char *path = scratch_path(&place, "table.txt");
    strcpy(claims[0].id, "fig06-jarzynski-p/c=0.1@paper");
    list[0].verdict = JEBM_VERDICT_SCALED;
    list[0].direction = JEBM_DIRECTION_FAILS;
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    jebm_report_table(f, list, 2);
    fclose(f);
    char *text = scratch_get(path, NULL);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        cr_expect_leq(strlen(line), 100, "%s", line);
    }
    free(text);
}

static jebm_losses losses;

static size_t lost_against(const char *baseline, bool whole, char **printed) {
    const char *path = scratch_path(&place, "baseline.json");
    const char *out = scratch_path(&place, "out.txt");
    scratch_put(path, baseline, strlen(baseline));
    FILE *f = fopen(out, "w");
    cr_assert_not_null(f);
    jebm_error err = {0};
    cr_assert_eq(jebm_report_compare(f, path, list, 2, whole, &losses, &err), JEBM_OK, "%s",
                 err.text);
    fclose(f);
    *printed = scratch_get(out, NULL);
    return losses.lost;
}

Test(report, only_worse_verdicts_count_as_lost) {
    list[0].verdict = JEBM_VERDICT_DEVIATES;
    list[1].verdict = JEBM_VERDICT_SCALED;
    list[1].direction = JEBM_DIRECTION_HOLDS;
    char *text;
    cr_expect_eq(lost_against("{\"claims\": [{\"id\": \"one@paper\", \"verdict\": \"deviates\", "
                              "\"scale\": \"paper\"}, {\"id\": \"two@paper\", \"verdict\": "
                              "\"scaled\", \"direction\": \"unclear\", \"scale\": \"paper\"}]}",
                              true, &text),
                 0, "%s", text);
    cr_expect_str_eq(text, "baseline: 2 claims compared, 0 lost, 0 not compared\n");
    free(text);
    cr_expect_eq(lost_against("{\"claims\": [{\"id\": \"one@paper\", \"verdict\": \"within\", "
                              "\"scale\": \"paper\"}]}",
                              true, &text),
                 1);
    cr_expect_str_eq(text, "lost: one@paper was 'within', now 'deviates' (scale paper)\n"
                           "not compared: two@paper is not in the baseline\n"
                           "baseline: 1 claims compared, 1 lost, 1 not compared\n");
    free(text);
}

Test(report, what_only_one_holds_or_has_at_another_scale_is_listed_and_no_loss) {
    list[0].verdict = JEBM_VERDICT_DEVIATES;
    list[1].verdict = JEBM_VERDICT_NOT_RUN;
    list[1].scale[0] = '\0';
    char *text;
    cr_expect_eq(lost_against("{\"claims\": [{\"id\": \"old@paper\", \"verdict\": \"within\", "
                              "\"scale\": \"paper\"}, {\"id\": \"one@paper\", \"verdict\": "
                              "\"within\", \"scale\": \"quick\"}, {\"id\": \"two@paper\", "
                              "\"verdict\": \"within\", \"scale\": \"paper\"}]}",
                              true, &text),
                 0, "%s", text);
    cr_expect_str_eq(text,
                     "not compared: old@paper is not in the claims file\n"
                     "not compared: one@paper has scale quick in the baseline and paper here\n"
                     "not compared: two@paper has scale paper in the baseline and none here\n"
                     "baseline: 0 claims compared, 0 lost, 3 not compared\n");
    free(text);
    // a claim that these data of the same scale can no longer answer is lost
    strcpy(list[1].scale, "paper");
    cr_expect_eq(lost_against("{\"claims\": [{\"id\": \"two@paper\", \"verdict\": \"within\", "
                              "\"scale\": \"paper\"}]}",
                              false, &text),
                 1, "%s", text);
    free(text);
}

Test(report, its_own_json_is_a_baseline_without_losses) {
    const char *path = scratch_path(&place, "verdicts.json");
    cr_assert_eq(jebm_report_json(path, list, 2, NULL), JEBM_OK);
    char *json = scratch_get(path, NULL), *text;
    cr_expect_eq(lost_against(json, true, &text), 0, "%s", text);
    free(json);
    free(text);
}

Test(report, a_baseline_that_is_none_is_refused) {
    const char *texts[] = {"",
                           "{",
                           "[]",
                           "{\"claims\": 3}",
                           "{\"claims\": [{}]}",
                           "{\"claims\": [{\"id\": \"a\", \"verdict\": \"fine\"}]}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *path = scratch_path(&place, "baseline.json");
        scratch_put(path, texts[i], strlen(texts[i]));
        jebm_error err = {0};
        cr_expect_eq(jebm_report_compare(stdout, path, list, 2, true, &losses, &err), JEBM_EFORMAT,
                     "%s", texts[i]);
        cr_expect_not_null(strstr(err.text, "baseline.json"), "%s", err.text);
    }
}
