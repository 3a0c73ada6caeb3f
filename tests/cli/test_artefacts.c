/* What a driver reads before its runs and leaves besides their rows, and several pictures of one
 * campaign, with the toy driver.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define PROGRAM TOY
#define PROGRAM_NAME "toy"
#define PROGRAM_SHARE TOY_SHARE
#include "manifest.h"

#include <sys/stat.h>

static scratch s;

static void setup(void) {
    s = scratch_new();
}

static void teardown(void) {
    scratch_free(&s);
}

TestSuite(artefacts, .init = setup, .fini = teardown, .timeout = 60);

/* what the two runs of the two cells of toy4 leave */
static const char *const left[] = {
    "images/c=0.5-0.png",  "images/c=0.5-1.png", "images/c=1-0.png",
    "images/c=1-1.png",    "images/shared.png",  "samples-c=0.5-0.csv",
    "samples-c=0.5-1.csv", "samples-c=1-0.csv",  "samples-c=1-1.csv"};
#define NLEFT (sizeof left / sizeof left[0])

static void expect_same_files(const char *a, const char *b) {
    expect_same_csvs(&s, a, b);
    for (size_t i = 0; i < NLEFT; i++) {
        char x[128], y[128];
        snprintf(x, sizeof x, "%s/%s", a, left[i]);
        snprintf(y, sizeof y, "%s/%s", b, left[i]);
        expect_same_file(&s, x, y);
    }
}

Test(artefacts, the_manifest_lists_them_and_a_change_is_noticed) {
    outcome o = run(&s, "toy4" QUIET "--out d");
    expect_done(&o);
    json_t *m = manifest_of(&s, "d/toy4");
    json_t *files = json_object_get(m, "files");
    cr_expect_eq(json_object_size(files), 2 + NLEFT);
    for (size_t i = 0; i < NLEFT; i++) {
        char name[128], digest[JEBM_DIGEST_TEXT];
        const json_t *entry = json_object_get(files, left[i]);
        snprintf(name, sizeof name, "d/toy4/%s", left[i]);
        cr_assert_eq(jebm_digest_file(scratch_path(&s, name), digest, NULL), JEBM_OK);
        cr_expect_str_eq(json_string_value(json_object_get(entry, "sha256")), digest);
    }
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(files, left[5]), "rows")), 1);
    json_decref(m);
    o = run(&s, "toy4" QUIET "--out d");
    expect_done(&o);
    scratch_put(scratch_path(&s, "d/toy4/images/c=1-1.png"), "x", 1);
    o = run(&s, "toy4" QUIET "--out d");
    expect_refusal(&o, 1, "d/toy4/images/c=1-1.png: was changed after the run");
}

Test(artefacts, a_new_run_leaves_none_of_an_old_one) {
    outcome o = run(&s, "toy4" QUIET "--out d");
    expect_done(&o);
    scratch_put(scratch_path(&s, "d/toy4/images/old.png.part"), "x", 1);
    o = run(&s, "toy4" QUIET "--out d --force --set c=2");
    expect_done(&o);
    cr_expect(!exists(&s, "d/toy4/images/c=1-1.png"));
    cr_expect(!exists(&s, "d/toy4/images/old.png.part"));
    cr_expect(!exists(&s, "d/toy4/samples-c=1-1.csv"));
    cr_expect(exists(&s, "d/toy4/images/c=2-1.png"));
}

Test(artefacts, parts_become_the_files_of_the_run_that_was_not_split) {
    const char *const ranges[] = {"--out w", "--runs-to 1 --out a", "--runs-from 2 --out b"};
    for (size_t i = 0; i < 3; i++) {
        const outcome o = run(&s, "toy4" QUIET "%s", ranges[i]);
        expect_done(&o);
    }
    cr_expect(!exists(&s, "a/toy4/images/c=1-1.png"));
    outcome o = run(&s, "toy4" QUIET "--merge b --merge a --out m");
    expect_done(&o);
    expect_same_files("w/toy4", "m/toy4");
    json_t *m = manifest_of(&s, "m/toy4"), *w = manifest_of(&s, "w/toy4");
    cr_expect(json_equal(json_object_get(m, "files"), json_object_get(w, "files")));
    json_decref(m);
    json_decref(w);
    scratch_put(scratch_path(&s, "b/toy4/samples-c=1-1.csv"), "x\n1\n", 4);
    o = run(&s, "toy4" QUIET "--merge b --merge a --out n");
    expect_refusal(&o, 1, "b/toy4/samples-c=1-1.csv: was changed after the run");
}

Test(artefacts, a_resumed_run_leaves_the_same) {
    outcome o = run(&s, "toy4" QUIET "--set pause_us=3000 --out w");
    expect_done(&o);
    const pid_t child = start(&s, "toy4" QUIET "--set pause_us=3000 --out d");
    while (!exists(&s, "d/toy4/images/c=0.5-0.png")) {
        wait_ms(2);
    }
    wait_ms(20);
    kill(child, SIGTERM);
    o = finish(&s, child);
    expect_refusal(&o, 143, "checkpoint written");
    o = run(&s, "toy4" QUIET "--set pause_us=3000 --out d --resume");
    expect_done(&o);
    expect_same_files("w/toy4", "d/toy4");
}

Test(artefacts, a_figure_of_anothers_runs_links_to_them) {
    outcome o = run(&s, "toy5" QUIET "--out d");
    expect_done(&o);
    expect_same_files("d/toy4", "d/toy5");
    o = run(&s, "toy5" QUIET "--out d");
    expect_done(&o);
}

/* ---- what a driver reads -------------------------------------------------------------------- */

static void put_data(const char *directory, const char *text) {
    char name[64];
    mkdir(scratch_path(&s, directory), 0777);
    snprintf(name, sizeof name, "%s/toy.txt", directory);
    scratch_put(scratch_path(&s, name), text, strlen(text));
}

Test(artefacts, inputs_stand_in_the_manifest_and_decide_which_run_it_is) {
    put_data("one", "1\n");
    put_data("two", "2\n");
    put_data("copy", "1\n");
    outcome o = run(&s, "toy1" QUIET "--set reads=yes --data one --out d");
    expect_done(&o);
    char digest[JEBM_DIGEST_TEXT];
    jebm_digest_bytes("1\n", 2, digest);
    json_t *m = manifest_of(&s, "d/toy1");
    const json_t *inputs = json_object_get(m, "inputs");
    cr_expect_str_eq(json_string_value(json_object_get(inputs, "text_sha256")), digest);
    // DIR of DIR/FIGURE
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(inputs, "notes"), "shared")),
                     "d");
    json_decref(m);
    o = run(&s, "toy1" QUIET "--set reads=yes --data two --out d --resume");
    expect_refusal(&o, 2, "d/toy1: holds a run with other settings (text_sha256: there ");
    // where they lie is nothing
    o = run(&s, "toy1" QUIET "--set reads=yes --data copy --out d");
    expect_done(&o);
    cr_expect_not_null(strstr(o.out, "already complete"));
    o = run(&s, "toy1" QUIET "--set reads=yes --out e");
    expect_refusal(&o, 1, "./toy.txt: cannot be");
    cr_expect(!exists(&s, "e"));
    o = run(&s, "toy1" QUIET "--set reads=yes --data= --out e");
    expect_refusal(&o, 2, "--data '': expected a directory");
}

Test(artefacts, parts_of_other_inputs_are_not_merged_and_a_merge_needs_no_data) {
    put_data("one", "1\n");
    put_data("two", "2\n");
    const char *const parts[] = {"--data one --out w", "--runs-to 1 --data one --out a",
                                 "--runs-from 2 --data one --out b",
                                 "--runs-from 2 --data two --out c"};
    for (size_t i = 0; i < 4; i++) {
        const outcome o = run(&s, "toy1" QUIET "--set reads=yes %s", parts[i]);
        expect_done(&o);
    }
    outcome o = run(&s, "toy1" QUIET "--merge a --merge c --out m");
    expect_refusal(&o, 2, "c/toy1: has text_sha256 '");
    o = run(&s, "toy1" QUIET "--merge a --merge b --out m --data one");
    expect_refusal(&o, 2, "leave out --data");
    o = run(&s, "toy1" QUIET "--merge a --merge b --out m");
    expect_done(&o);
    expect_same_csvs(&s, "w/toy1", "m/toy1");
    json_t *m = manifest_of(&s, "m/toy1"), *w = manifest_of(&s, "w/toy1");
    cr_expect_str_eq(json_string_value(json_object_get(m, "fingerprint")),
                     json_string_value(json_object_get(w, "fingerprint")));
    json_decref(m);
    json_decref(w);
}

/* ---- several pictures ----------------------------------------------------------------------- */

Test(artefacts, a_picture_leads_to_the_campaign_that_draws_it) {
    outcome o = run(&s, "--list");
    expect_done(&o);
    cr_expect_not_null(strstr(o.out, "two pictures (toy1-means toy1-rows)\n"), "%s", o.out);
    o = run(&s, "toy1-rows" QUIET "--out d");
    expect_done(&o);
    cr_expect(exists(&s, "d/toy4/trajectory.csv") && !exists(&s, "d/toy1-rows"));
    if (system("command -v gnuplot > /dev/null 2>&1") != 0) {
        cr_skip_test("gnuplot is not installed");
    }
    o = run(&s, "toy4 --quiet --out d");
    expect_done(&o);
    static const char *const pictures[] = {"d/toy4/toy1-means.png", "d/toy4/toy1-means.svg",
                                           "d/toy4/toy1-rows.png", "d/toy4/toy1-rows.svg"};
    for (size_t i = 0; i < 4; i++) {
        cr_expect(exists(&s, pictures[i]), "%s", pictures[i]);
        cr_expect_not_null(strstr(o.out, pictures[i]), "%s: %s", pictures[i], o.out);
    }
    cr_expect(!exists(&s, "d/toy4/toy4.png"));
    // they go with the run
    o = run(&s, "toy1-means" QUIET "--out d --force --no-figure");
    expect_done(&o);
    cr_expect(!exists(&s, "d/toy4/toy1-rows.svg"));
}
