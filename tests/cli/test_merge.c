/* Runs spread over machines: the toy driver's parts, put together, are the run that was never
 * split; what does not belong together is refused.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define PROGRAM TOY
#define PROGRAM_NAME "toy"
#define PROGRAM_SHARE TOY_SHARE
#include "manifest.h"

#define FIVE QUIET "--runs 5"

static scratch s;

static void setup(void) {
    s = scratch_new();
}

static void teardown(void) {
    scratch_free(&s);
}

TestSuite(merge, .init = setup, .fini = teardown, .timeout = 60);

static void put_manifest(const char *directory, const json_t *m) {
    char name[128];
    snprintf(name, sizeof name, "%s/manifest.json", directory);
    cr_assert_eq(json_dump_file(m, scratch_path(&s, name), 0), 0);
}

/* Five runs: whole into w, and 1-2, 3, 4-5 into p1, p2, p3, all with further options. */
static void make_parts(const char *options) {
    const char *const ranges[] = {"--out w", "--runs-to 2 --out p1",
                                  "--runs-from 3 --runs-to 3 --out p2", "--runs-from 4 --out p3"};
    for (size_t i = 0; i < 4; i++) {
        const outcome o = run(&s, "toy1" FIVE " %s %s", ranges[i], options);
        expect_done(&o);
    }
}

static void expect_merge_refused(const char *parts, int status, const char *text) {
    const outcome o = run(&s, "toy1" QUIET "--out bad %s", parts);
    expect_refusal(&o, status, text);
    cr_expect(!exists(&s, "bad"), "something was written");
}

Test(merge, a_part_holds_its_runs_only_and_says_so) {
    const outcome o = run(&s, "toy1 --quiet --runs 5 --runs-from 3 --runs-to 4 --out p");
    expect_done(&o);
    cr_expect_not_null(strstr(o.out, "toy1: 2 cells x 2 runs"), "%s", o.out);
    cr_expect_not_null(strstr(o.out, "runs 3 to 4 of 5: no figure is drawn of a part"), "%s",
                       o.out);
    cr_expect(!exists(&s, "p/toy1/toy1.png"));
    json_t *m = manifest_of(&s, "p/toy1");
    const json_t *part = json_object_get(m, "part");
    cr_expect_eq(json_integer_value(json_object_get(part, "from")), 3);
    cr_expect_eq(json_integer_value(json_object_get(part, "to")), 4);
    cr_expect(json_is_true(json_object_get(part, "complete")));
    cr_expect(json_is_false(json_object_get(m, "complete")), "the figure is not complete");
    cr_expect_eq(json_integer_value(json_object_get(m, "runs")), 5);
    cr_expect_eq(json_array_size(json_object_get(json_object_get(m, "timing"), "cells")), 4);
    json_decref(m);

    // the rows of these runs, and no others, as they stand in the whole
    const outcome w = run(&s, "toy1" FIVE " --out w");
    expect_done(&w);
    char *whole = scratch_get(scratch_path(&s, "w/toy1/trajectory.csv"), NULL);
    char *found = scratch_get(scratch_path(&s, "p/toy1/trajectory.csv"), NULL);
    char *expected = calloc(1, strlen(whole) + 1);
    for (char *line = strtok(whole, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        int r = -1;
        if (sscanf(line, "walk,c=%*[0-9.],%d,", &r) != 1 || r == 2 || r == 3) {
            strcat(strcat(expected, line), "\n");
        }
    }
    cr_expect_str_eq(found, expected);
    free(whole);
    free(found);
    free(expected);
}

Test(merge, parts_become_the_run_that_was_not_split_to_the_byte) {
    make_parts("");
    outcome o = run(&s, "toy1" FIVE " --runs-from 3 --out p23");
    expect_done(&o);
    o = run(&s, "toy1" QUIET "--merge p1 --merge p23 --out two");
    expect_done(&o);
    expect_same_csvs(&s, "w/toy1", "two/toy1");
    // in any order, and by the directory of the figure itself
    o = run(&s, "toy1" QUIET "--merge p3 --merge p1/toy1 --merge p2 --out three");
    expect_done(&o);
    cr_expect_str_eq(o.err, "");
    expect_same_csvs(&s, "w/toy1", "three/toy1");

    json_t *m = manifest_of(&s, "three/toy1"), *w = manifest_of(&s, "w/toy1");
    const json_t *from = json_object_get(m, "merged_from");
    cr_expect_eq(json_array_size(from), 3);
    const json_t *last = json_array_get(from, 2);
    cr_expect_eq(json_integer_value(json_object_get(last, "from")), 4);
    cr_expect_eq(json_integer_value(json_object_get(last, "to")), 5);
    cr_expect(json_is_string(json_object_get(json_object_get(last, "environment"), "cpu")));
    json_t *p3 = manifest_of(&s, "p3/toy1");
    cr_expect(json_equal(json_object_get(last, "files"), json_object_get(p3, "files")));
    json_decref(p3);
    // but for time, place and origin the manifest is the whole run's
    const char *const own[] = {"merged_from", "timing", "started", "finished", "environment"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        json_object_del(m, own[i]);
        json_object_del(w, own[i]);
    }
    cr_expect(json_equal(m, w));
    json_decref(m);
    json_decref(w);

    // done is done, and the merged run is the whole one for every other command
    o = run(&s, "toy1" QUIET "--merge p3 --merge p1/toy1 --merge p2 --out three");
    expect_done(&o);
    cr_expect_not_null(strstr(o.out, "already complete"));
    o = run(&s, "toy1" FIVE " --out three");
    expect_done(&o);
    cr_expect_not_null(strstr(o.out, "already complete"));
}

Test(merge, settings_come_from_the_parts) {
    make_parts("--scale reduced --fidelity code --seed 7 --set iterations=30 --set walkers=3");
    outcome o = run(&s, "toy1" QUIET "--merge p1 --merge p2 --merge p3 --out m");
    expect_done(&o);
    expect_same_csvs(&s, "w/toy1", "m/toy1");
    json_t *m = manifest_of(&s, "m/toy1"), *w = manifest_of(&s, "w/toy1");
    const char *const same[] = {"scale", "fidelity", "seed", "preset", "overrides", "fingerprint"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        cr_expect(json_equal(json_object_get(m, same[i]), json_object_get(w, same[i])), "%s",
                  same[i]);
    }
    json_decref(m);
    json_decref(w);
    o = run(&s, "toy1" QUIET "--merge p1 --merge p2 --merge p3");
    expect_done(&o);
    expect_same_csvs(&s, "w/toy1", "results/runs/reduced/code/toy1");
}

Test(merge, an_interrupted_part_goes_on_to_the_same_bytes) {
    const char *slow = "toy1" FIVE " --runs-from 2 --runs-to 4 --out p2 --set pause_us=2000";
    const char *const others[] = {"--out w", "--runs-to 1 --out p1", "--runs-from 5 --out p3"};
    for (size_t i = 0; i < 3; i++) {
        const outcome o = run(&s, "toy1" FIVE " %s --set pause_us=2000", others[i]);
        expect_done(&o);
    }
    set.interval = "0";
    const int signals[] = {SIGTERM, SIGKILL};
    for (size_t i = 0; i < 2; i++) {
        char line[256];
        snprintf(line, sizeof line, "%s --resume", slow);
        const pid_t child = start(&s, line);
        while (!exists(&s, "p2/toy1/checkpoint.h5")) {
            wait_ms(2);
        }
        wait_ms(60);
        kill(child, signals[i]);
        const outcome o = finish(&s, child);
        cr_assert_eq(o.status, i == 0 ? 143 : 1000 + SIGKILL, "status %d: %s", o.status, o.err);
    }
    const char *merge = "--merge p1 --merge p2 --merge p3";
    expect_merge_refused(merge, 2, "p2/toy1: is unfinished; go on with it by --resume");
    // the checkpoint is that of this part
    outcome o = run(&s, "toy1" FIVE " --runs-from 2 --out p2 --set pause_us=2000 --resume");
    expect_refusal(&o, 2, "(part: there runs 2 to 4, here runs 2 to 5)");
    o = run(&s, "%s --resume", slow);
    expect_done(&o);
    o = run(&s, "toy1" QUIET " %s --out m", merge);
    expect_done(&o);
    expect_same_csvs(&s, "w/toy1", "m/toy1");
}

Test(merge, a_checkpoint_of_other_runs_is_refused) {
    set.interval = "0";
    const char *const lines[] = {"toy1" FIVE " --runs-to 4 --out a --set pause_us=2000",
                                 "toy1" FIVE " --runs-to 3 --out b --set pause_us=2000"};
    for (size_t i = 0; i < 2; i++) {
        const pid_t child = start(&s, lines[i]);
        while (!exists(&s, i == 0 ? "a/toy1/checkpoint.h5" : "b/toy1/checkpoint.h5")) {
            wait_ms(2);
        }
        kill(child, SIGTERM);
        cr_assert_eq(finish(&s, child).status, 143);
    }
    cr_assert_eq(
        rename(scratch_path(&s, "a/toy1/checkpoint.h5"), scratch_path(&s, "b/toy1/checkpoint.h5")),
        0);
    const outcome o = run(&s, "%s --resume", lines[1]);
    expect_refusal(&o, 1, "b/toy1/checkpoint.h5: belongs to other runs or settings");
}

Test(merge, diverged_runs_are_merged) {
    // run 1 (of 0, 1, ...) of the first cell diverges
    const char *const ranges[] = {"--out w", "--runs-to 1 --out p1", "--runs-from 2 --out p2"};
    for (size_t i = 0; i < 3; i++) {
        const outcome o = run(&s, "toy1" FIVE " --set diverge_at=16 %s", ranges[i]);
        cr_expect_eq(o.status, i == 1 ? 0 : 1, "%s", o.err);
    }
    const outcome o = run(&s, "toy1" QUIET "--merge p1 --merge p2 --out m");
    expect_refusal(&o, 1, "m/toy1: 1 run diverged: walk c=0.5 run 1 at step 15 (told to)");
    expect_same_csvs(&s, "w/toy1", "m/toy1");
    json_t *m = manifest_of(&s, "m/toy1"), *w = manifest_of(&s, "w/toy1");
    cr_expect(json_equal(json_object_get(m, "diverged"), json_object_get(w, "diverged")));
    json_decref(m);
    json_decref(w);
}

Test(merge, a_merged_run_is_drawn_and_so_is_a_figure_of_its_runs) {
    if (system("command -v gnuplot >/dev/null 2>&1") != 0) {
        cr_skip_test("gnuplot is not installed");
    }
    outcome o = run(&s, "toy2 --quiet --runs-to 1 --out p1");
    expect_done(&o);
    cr_expect(!exists(&s, "p1/toy2"), "a part has no links");
    o = run(&s, "toy1 --quiet --runs-from 2 --out p2");
    expect_done(&o);
    o = run(&s, "toy2 --merge p1 --merge p2 --out m");
    expect_done(&o);
    cr_expect(exists(&s, "m/toy1/toy1.png") && exists(&s, "m/toy2/toy2.png"));
    expect_same_csvs(&s, "m/toy1", "m/toy2");
    o = run(&s, "toy2 --quiet --out m");
    expect_done(&o);
    cr_expect_not_null(strstr(o.out, "toy1: already complete"));
}

Test(merge, parts_of_different_runs_are_refused_by_the_first_key_that_differs) {
    make_parts("");
    const char *const cases[][2] = {
        {"--seed 2", "x/toy1: has seed '2', but p1/toy1 has '1'; only parts of one run"},
        {"--set walkers=17", "x/toy1: has walkers '17', but p1/toy1 has '16'"},
        {"--fidelity code", "x/toy1: has fidelity 'code', but p1/toy1 has 'paper'"},
        {"--scale reduced", "x/toy1: has scale 'reduced', but p1/toy1 has 'quick'"},
        {"--runs 6", "x/toy1: has runs '6', but p1/toy1 has '5'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const outcome o = run(&s, "toy1" FIVE " --runs-from 3 --out x --force %s", cases[i][0]);
        expect_done(&o);
        expect_merge_refused("--merge p1 --merge x", 2, cases[i][1]);
    }
    const outcome o = run(&s, "toy3" FIVE " --runs-from 3 --out x3");
    expect_done(&o);
    expect_merge_refused("--merge p1 --merge x3/toy3", 2,
                         "x3/toy3: has figure 'toy3', but p1/toy1 has 'toy1'");
    expect_merge_refused("--merge x3/toy3 --merge p1", 2,
                         "x3/toy3: has figure 'toy3', but this program has 'toy1'");
    const char *const texts[][3] = {
        {"version", "0.0.0", "p2/toy1: has version '0.0.0', but p1/toy1 has '"},
        {"program", "ytoy", "p2/toy1: has program 'ytoy', but p1/toy1 has 'toy'"},
        {"seed", NULL, "p2/toy1: has fingerprint 'x', but p1/toy1 has '"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *m = manifest_of(&s, "p2/toy1");
        json_t *old = json_deep_copy(m);
        if (texts[i][1] != NULL) {
            json_object_set_new(m, texts[i][0], json_string(texts[i][1]));
        }
        json_object_set_new(m, "fingerprint", json_string("x"));
        put_manifest("p2/toy1", m);
        expect_merge_refused("--merge p1 --merge p2 --merge p3", 2, texts[i][2]);
        put_manifest("p2/toy1", old);
        json_decref(m);
        json_decref(old);
    }
}

Test(merge, each_run_must_be_in_one_part) {
    make_parts("");
    const char *const cases[][2] = {
        {"--merge p1 --merge p3", "the runs 3 to 3 of 5 are in no part: compute them with "
                                  "--runs-from 3 --runs-to 3 and merge again"},
        {"--merge p2 --merge p3", "the runs 1 to 2 of 5 are in no part"},
        {"--merge p2 --merge p1", "the runs 4 to 5 of 5 are in no part"},
        {"--merge p1 --merge p2 --merge p3 --merge p2",
         "run 3 is in two parts: p2/toy1 has the runs 3 to 3, p2/toy1 3 to 3; leave one out"},
        {"--merge p1 --merge w", "run 1 is in two parts: p1/toy1 has the runs 1 to 2, w/toy1 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_merge_refused(cases[i][0], 2, cases[i][1]);
    }
    const char *const refused[][2] = {
        {"--runs-from 6", "--runs-from 6: expected a run from 1 to 5, as many as toy1 has"},
        {"--runs-to 6", "--runs-to 6: expected a run from 1 to 5"},
        {"--runs-from 3 --runs-to 2", "--runs-from 3 --runs-to 2: expected the first run not"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const outcome o = run(&s, "toy1" FIVE " --out bad %s", refused[i][0]);
        expect_refusal(&o, 2, refused[i][1]);
    }
}

/* Replace the trajectory of p2 and, if asked for, its digest in the manifest. */
static void damage(const char *text, size_t size, bool digest) {
    scratch_put(scratch_path(&s, "p2/toy1/trajectory.csv"), text, size);
    if (digest) {
        char sha256[JEBM_DIGEST_TEXT];
        jebm_digest_bytes(text, size, sha256);
        json_t *m = manifest_of(&s, "p2/toy1");
        json_t *file = json_object_get(json_object_get(m, "files"), "trajectory.csv");
        json_object_set_new(file, "sha256", json_string(sha256));
        put_manifest("p2/toy1", m);
        json_decref(m);
    }
}

Test(merge, damaged_and_missing_files_are_refused) {
    make_parts("");
    const char *merge = "--merge p1 --merge p2 --merge p3";
    size_t size;
    char *good = scratch_get(scratch_path(&s, "p2/toy1/trajectory.csv"), &size);
    const char *changed = "p2/toy1/trajectory.csv: was changed after the run (its SHA-256";
    damage(good, size - 20, false);
    expect_merge_refused(merge, 1, changed);
    damage(good, 0, false);
    expect_merge_refused(merge, 1, changed);
    // what a manifest that fits cannot make good
    damage(good, size - 20, true);
    expect_merge_refused(merge, 1, "p2/toy1/trajectory.csv:15: the last line is cut");
    const size_t last = (size_t)(strstr(good, "walk,c=1,2,40,") - good);
    damage(good, last, true);
    expect_merge_refused(merge, 1,
                         "p2/toy1/trajectory.csv:15: found nothing nothing run nothing step "
                         "nothing, expected walk c=1 run 2 step 40");
    char *twice = calloc(2, size + 1);
    strcat(strcat(twice, good), good + last);
    damage(twice, strlen(twice), true);
    expect_merge_refused(merge, 1, "found walk c=1 run 2 step 40, expected the end of the file");
    strcpy(twice, good);
    memcpy(strstr(twice, "walk,c=1,2,21"), "walk,c=1,2,22", 13);
    damage(twice, size, true);
    expect_merge_refused(merge, 1, "found walk c=1 run 2 step 22, expected walk c=1 run 2 step 21");
    strcpy(twice, good);
    memcpy(strstr(twice, "low"), "wol", 3);
    damage(twice, size, true);
    expect_merge_refused(merge, 1, "trajectory.csv:1: found column 'wol', expected 'low'");
    free(twice);
    damage(good, size, true);
    free(good);

    json_t *m = manifest_of(&s, "p2/toy1"), *old = json_deep_copy(m);
    json_object_set_new(json_object_get(m, "part"), "to", json_integer(6));
    put_manifest("p2/toy1", m);
    expect_merge_refused(merge, 1, "p2/toy1/manifest.json: does not say which of the 5 runs");
    put_manifest("p2/toy1", old);
    json_decref(m);
    json_decref(old);

    cr_assert_eq(unlink(scratch_path(&s, "p2/toy1/summary.csv")), 0);
    expect_merge_refused(merge, 1, "p2/toy1/summary.csv: cannot be opened");
    scratch_put(scratch_path(&s, "p2/toy1/manifest.json"), "{", 1);
    expect_merge_refused(merge, 1, "p2/toy1/manifest.json:1: cannot be read");
    expect_merge_refused("--merge p1 --merge nowhere", 1,
                         "--merge nowhere: holds no part of toy1: neither "
                         "nowhere/toy1/manifest.json nor nowhere/manifest.json is there");
}

Test(merge, a_target_that_holds_something_else_is_refused) {
    make_parts("");
    const char *merge = "toy1" QUIET "--merge p1 --merge p2 --merge p3";
    outcome o = run(&s, "%s --out p2", merge);
    expect_refusal(&o, 2, "p2/toy1: is a part itself and would be written over");
    o = run(&s, "%s --out p2 --force", merge);
    expect_refusal(&o, 2, "p2/toy1: is a part itself and would be written over");
    o = run(&s, "toy1" FIVE " --seed 3 --out m");
    expect_done(&o);
    o = run(&s, "%s --out m", merge);
    expect_refusal(&o, 2, "m/toy1: holds a run with other settings (seed: there 3, here 1)");
    o = run(&s, "%s --out m --force", merge);
    expect_done(&o);
    expect_same_csvs(&s, "w/toy1", "m/toy1");
    // a part is no whole for the plain command either
    o = run(&s, "toy1" FIVE " --out p1");
    expect_refusal(&o, 2, "(part: there runs 1 to 2, here runs 1 to 5)");
    o = run(&s, "toy2 " FIVE " --out p1");
    expect_refusal(&o, 2, "(part: there runs 1 to 2, here runs 1 to 5)");

    // an unfinished run is somebody's work, an unfinished merge is done again
    json_t *m = manifest_of(&s, "m/toy1");
    json_object_set_new(m, "complete", json_false());
    put_manifest("m/toy1", m);
    o = run(&s, "%s --out m", merge);
    expect_done(&o);
    expect_same_csvs(&s, "w/toy1", "m/toy1");
    json_object_del(m, "merged_from");
    put_manifest("m/toy1", m);
    json_decref(m);
    o = run(&s, "%s --out m", merge);
    expect_refusal(&o, 2, "m/toy1: holds an unfinished run with these settings; give another");
}

Test(merge, parts_of_different_kernels_are_merged_with_a_warning) {
    make_parts("");
    json_t *m = manifest_of(&s, "p2/toy1");
    json_object_set_new(json_object_get(m, "environment"), "isa", json_string("abacus"));
    put_manifest("p2/toy1", m);
    json_decref(m);
    const outcome o = run(&s, "toy1" QUIET "--merge p1 --merge p2 --merge p3 --out m");
    expect_refusal(&o, 0,
                   "p2/toy1 with abacus: the CSVs will agree with those of a run that was "
                   "not split to rounding only");
    expect_same_csvs(&s, "w/toy1", "m/toy1");
}
