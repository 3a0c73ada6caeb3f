/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "figure_data.h"

#include "fixture.h"
#include "io/content.h"

#include <math.h>

#define HEADER "method,variant,run,step,p\n"
static const char good[] = HEADER "cd,-,0,0,0.5\ncd,-,0,10,0.25\ncd,-,1,0,0.5\npcd,-,0,0,nan\n";

static scratch place;
static jebm_figure_data data;

static void setup(void) {
    place = scratch_new();
}

static void teardown(void) {
    jebm_figure_data_free(&data);
    scratch_free(&place);
}

TestSuite(figure_data, .init = setup, .fini = teardown);

static const fixture base = {"quick", "code", "fig06", good, 2, NULL, NULL, NULL};

static jebm_status load(bool *found, jebm_error *err) {
    const jebm_status status =
        jebm_figure_data_load(place.directory, "quick/code/fig06", &data, err);
    *found = status == JEBM_OK;
    return status;
}

static void expect_refusal(jebm_status status, const char *words) {
    bool found;
    jebm_error err = {0};
    cr_expect_eq(load(&found, &err), status, "wanted '%s'", words);
    cr_expect_not_null(strstr(err.text, words), "found '%s', wanted '%s'", err.text, words);
    cr_expect_null(strchr(err.text, '\n'));
    cr_expect_not(found);
}

static void expect_csv_refusal(const char *csv, const char *words) {
    fixture f = base;
    f.csv = csv;
    fixture_put(&place, &f);
    expect_refusal(JEBM_EFORMAT, words);
}

Test(figure_data, rows_become_runs_of_cells) {
    fixture_put(&place, &base);
    bool found;
    jebm_error err = {0};
    cr_assert_eq(load(&found, &err), JEBM_OK, "%s", err.text);
    cr_assert(found && data.complete);
    cr_expect_str_eq(data.name, "quick/code/fig06");
    cr_expect_eq(data.nseries, 3);
    const jebm_series *s = jebm_figure_data_series(&data, "cd", "-", 0);
    cr_assert_not_null(s);
    cr_expect_eq(s->count, 2);
    const size_t p = jebm_figure_data_column(&data, "p");
    cr_assert_lt(p, data.ncolumns);
    cr_expect_eq(data.values[p * data.nrows + s->first + 1], 0.25);
    cr_expect_eq(data.values[s->first + 1], 10);
    cr_expect(isnan(data.values[p * data.nrows + 3]));
    cr_expect_null(jebm_figure_data_series(&data, "pcd", "-", 1));
    cr_expect_eq(jebm_figure_data_column(&data, "q"), data.ncolumns);
    cr_expect_str_eq(jebm_figure_data_setting(&data, "p_star"), "0.25");
}

Test(figure_data, an_incomplete_run_is_not_read) {
    fixture f = base;
    f.complete = "false";
    f.csv = "rubbish";
    fixture_put(&place, &f);
    bool found;
    cr_expect_eq(load(&found, NULL), JEBM_OK);
    cr_expect(found && !data.complete);
    cr_expect_str_eq(data.incomplete, "its run did not finish");
}

Test(figure_data, a_part_is_never_the_whole) {
    const char *const complete[] = {"false", "true"};
    for (size_t i = 0; i < 2; i++) {
        char text[96];
        snprintf(text, sizeof text, "%s, \"part\": {\"from\": 2, \"to\": 2, \"complete\": true}",
                 complete[i]);
        fixture f = base;
        f.complete = text;
        fixture_put(&place, &f);
        bool found;
        cr_expect_eq(load(&found, NULL), JEBM_OK);
        cr_expect(found && !data.complete);
        cr_expect_str_eq(data.incomplete, "part of the 2 runs (2 to 2): merge");
        jebm_figure_data_free(&data);
    }
}

Test(figure_data, a_csv_of_another_digest_is_refused) {
    fixture_put(&place, &base);
    const char changed[] = HEADER "cd,-,0,0,0.6\n";
    scratch_put(fixture_path(&place, &base, "trajectory.csv"), changed, strlen(changed));
    expect_refusal(JEBM_EMISMATCH, "as manifest.json says: the file was changed or cut");
}

Test(figure_data, a_cut_or_corrupt_csv_is_refused) {
    expect_csv_refusal(HEADER "cd,-,0,0,0.5\ncd,-,0,1,0.", "the last line is cut");
    expect_csv_refusal(HEADER "cd,-,0,0\n", "trajectory.csv:2:");
    expect_csv_refusal(HEADER "cd,-,0,0,0.5x\n", "trajectory.csv:2");
    expect_csv_refusal(HEADER, "found no rows");
    expect_csv_refusal("", "is empty");
    expect_csv_refusal("method,variant,step,run,p\ncd,-,0,0,1\n", "found column 'step'");
    expect_csv_refusal("method\ncd\n", "found column 'nothing'");
    expect_csv_refusal(HEADER "cd,-,2,0,1\n", ":2: found run 2");
    expect_csv_refusal(HEADER "cd,-,0.5,0,1\n", ":2: found run 0.5");
    expect_csv_refusal(HEADER "cd,-,nan,0,1\n", ":2: found run nan");
    expect_csv_refusal(HEADER "cd,-,0,-1,1\n", "step -1");
    expect_csv_refusal(HEADER "cd,-,0,1,1\ncd,-,0,1,1\n", ":3: found step 1 of cd - run 0");
    expect_csv_refusal(HEADER "cd,-,0,0,1\npcd,-,0,0,1\ncd,-,0,1,1\n", ":4: found step 1 of cd");
}

Test(figure_data, a_cut_or_foreign_manifest_is_refused) {
    const struct {
        const char *text, *words;
        jebm_status status;
    } bad[] = {
        {"{\"schema\": 1, ", "manifest.json:1:", JEBM_EFORMAT},
        {"", "manifest.json:1:", JEBM_EFORMAT},
        {"[1]", "expected \"schema\": 1", JEBM_EFORMAT},
        {"{\"schema\": 2}", "expected \"schema\": 1", JEBM_EFORMAT},
        {"{\"schema\": 1, \"runs\": 2}", "expected \"complete\"", JEBM_EFORMAT},
        {"{\"schema\": 1, \"complete\": true, \"runs\": -1}", "expected \"runs\"", JEBM_EFORMAT},
        {"{\"schema\": 1, \"complete\": true, \"runs\": 1, \"scale\": \"quick\", \"fidelity\": "
         "\"code\", \"figure\": \"fig06\"}",
         "expected a sha256", JEBM_EFORMAT},
    };
    fixture_put(&place, &base);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scratch_put(fixture_path(&place, &base, "manifest.json"), bad[i].text, strlen(bad[i].text));
        expect_refusal(bad[i].status, bad[i].words);
    }
}

Test(figure_data, every_prefix_of_a_manifest_is_refused_or_read) {
    fixture_put(&place, &base);
    size_t size;
    char *whole = scratch_get(fixture_path(&place, &base, "manifest.json"), &size);
    for (size_t n = 0; n + 2 < size; n++) {
        bool found;
        scratch_put(fixture_path(&place, &base, "manifest.json"), whole, n);
        cr_expect_neq(load(&found, NULL), JEBM_OK, "%zu bytes", n);
    }
    free(whole);
}

Test(figure_data, diverged_runs_are_marked) {
    fixture f = base;
    f.diverged =
        "{\"method\": \"cd\", \"variant\": \"-\", \"run\": 1, \"step\": 3, \"why\": \"x\"}";
    fixture_put(&place, &f);
    bool found;
    cr_assert_eq(load(&found, NULL), JEBM_OK);
    cr_expect(jebm_figure_data_series(&data, "cd", "-", 1)->diverged);
    cr_expect_not(jebm_figure_data_series(&data, "cd", "-", 0)->diverged);
    jebm_figure_data_free(&data);
    f.diverged = "{\"method\": \"cd\"}";
    fixture_put(&place, &f);
    expect_refusal(JEBM_EFORMAT, "each entry of \"diverged\"");
}

Test(figure_data, a_packed_trajectory_is_read_as_it_was) {
    bool found;
    jebm_error err = {0};
    fixture_put(&place, &base);
    const char *path = fixture_path(&place, &base, "trajectory.csv");
    cr_assert_eq(jebm_content_pack(path, NULL), JEBM_OK);
    cr_assert_eq(load(&found, &err), JEBM_OK, "%s", err.text);
    cr_expect(found && data.nrows == 4 && data.nseries == 3);
    jebm_figure_data_free(&data);

    // other bytes, well packed, are not the manifest's
    scratch_put(path, HEADER "cd,-,0,0,0.75\n", strlen(HEADER "cd,-,0,0,0.75\n"));
    remove(fixture_path(&place, &base, "trajectory.csv.gz"));
    cr_assert_eq(jebm_content_pack(fixture_path(&place, &base, "trajectory.csv"), NULL), JEBM_OK);
    expect_refusal(JEBM_EMISMATCH, "found sha256");

    // a cut one
    size_t size;
    const char *packed = fixture_path(&place, &base, "trajectory.csv.gz");
    char *bytes = scratch_get(packed, &size);
    scratch_put(packed, bytes, size - 9);
    free(bytes);
    expect_refusal(JEBM_EFORMAT, "trajectory.csv.gz: byte");
}
