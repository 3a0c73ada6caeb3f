/* The toy driver as a whole program: what a user sees of a campaign, and what no kill may change.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define PROGRAM TOY
#define PROGRAM_NAME "toy"
#define PROGRAM_SHARE TOY_SHARE
#include "manifest.h"

#include "app/numerics.h"

#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static const char *text_in(const json_t *m, const char *key) {
    const char *text = json_string_value(json_object_get(m, key));
    return text != NULL ? text : "";
}

Test(campaign, leaves_the_files_that_its_manifest_lists) {
    const scratch s = scratch_new();
    const outcome o = run(&s, "toy1 --no-figure --quiet --out d");
    expect_done(&o);
    cr_expect_str_eq(o.err, "");
    cr_expect_not_null(strstr(o.out, "d/toy1/trajectory.csv"));

    jebm_csv *csv = csv_of(&s, "d/toy1/trajectory.csv");
    // 2 cells, 2 runs, steps 0 7 14 21 28 35 40
    cr_assert_eq(jebm_csv_rows(csv), 28);
    cr_expect_str_eq(jebm_csv_text(csv, 13, 3), "40");
    cr_expect_str_eq(jebm_csv_text(csv, 14, 1), "c=1");
    cr_expect_str_eq(jebm_csv_text(csv, 0, 6), "nan");
    jebm_csv_free(csv);
    csv = csv_of(&s, "d/toy1/summary.csv");
    cr_expect_eq(jebm_csv_rows(csv), 14);
    jebm_csv_free(csv);

    json_t *m = manifest_of(&s, "d/toy1");
    cr_expect(json_is_true(json_object_get(m, "complete")));
    cr_expect(json_is_null(json_object_get(m, "runs_of")));
    cr_expect_eq(json_integer_value(json_object_get(m, "runs")), 2);
    cr_expect_str_eq(text_in(m, "scale"), "quick");
    cr_expect_str_eq(text_in(m, "shows"), "results");
    cr_expect_str_eq(text_in(m, "answered_by"), "");
    cr_expect_str_eq(text_in(json_object_get(m, "preset"), "walkers"), "16");
    const json_t *file = json_object_get(json_object_get(m, "files"), "trajectory.csv");
    char digest[JEBM_DIGEST_TEXT];
    cr_assert_eq(jebm_digest_file(scratch_path(&s, "d/toy1/trajectory.csv"), digest, NULL),
                 JEBM_OK);
    cr_expect_str_eq(text_in(file, "sha256"), digest);
    cr_expect_eq(json_integer_value(json_object_get(file, "rows")), 28);
    cr_expect_eq(json_array_size(json_object_get(json_object_get(m, "timing"), "cells")), 4);
    cr_expect_not_null(json_object_get(json_object_get(m, "environment"), "git_revision"));
    json_decref(m);
    cr_expect(!exists(&s, "d/toy1/checkpoint.h5") && !exists(&s, "d/toy1/manifest.json.part"));
    scratch_free(&s);
}

Test(campaign, a_heading_makes_the_progress_two_lines_of_a_log) {
    const scratch s = scratch_new();
    outcome o = run(&s, "toy1 --no-figure --out d --heading figure_2_of_5 --set walkers=8");
    expect_done(&o);
    const char *first =
        "figure_2_of_5: toy1, the paper's text (paper), walkers=8, 2 cells x 2 runs\n";
    cr_expect_eq(strncmp(o.out, first, strlen(first)), 0, "%s", o.out);
    const char *second = o.out + strlen(first), *end = strchr(second, '\n');
    unsigned seconds;
    cr_expect_eq(sscanf(second, "  %us, not drawn", &seconds), 1, "%s", o.out);
    cr_expect(end != NULL && end[1] == '\0', "%s", o.out);
    cr_expect_str_eq(o.err, "");
    // a figure that is there already takes one line, one that draws it speaks in its own name
    o = run(&s, "toy1 --no-figure --out d --heading figure_2_of_5 --resume --set walkers=8");
    cr_expect_str_eq(o.out, "figure_2_of_5: toy1, the paper's text (paper), walkers=8, 2 cells x 2 "
                            "runs: complete already, not drawn: --no-figure\n");
    o = run(&s, "toy2 --out d --heading 5 --resume --set walkers=8");
    cr_expect_str_eq(o.out,
                     "5: toy2, the paper's text (paper), walkers=8, 2 cells x 2 runs: complete "
                     "already\n",
                     "%s", o.err);
    // what went wrong is told whatever the progress
    o = run(&s, "toy1 --no-figure --out e --heading 1 --set diverge_at=15");
    cr_expect_eq(o.status, 1);
    cr_expect_not_null(strstr(o.out, "1 run diverged, not drawn"), "%s", o.out);
    scratch_free(&s);
}

Test(campaign, describe_shows_all_keys_or_the_one_that_is_named) {
    const scratch s = scratch_new();
    outcome o = run(&s, "toy1 --describe");
    expect_done(&o);
    cr_expect(strstr(o.out, "\nwalkers = 16\n") && strstr(o.out, "\nruns = 2\n"));
    o = run(&s, "toy1 --describe walkers --set walkers=17");
    expect_done(&o);
    cr_expect_not_null(strstr(o.out, "\nwalkers = 17\n"));
    cr_expect_null(strstr(o.out, "runs ="));
    o = run(&s, "toy1 --describe walkrs");
    expect_refusal(&o, 2, "toy1 has no key 'walkrs' (did you mean 'walkers'?)");
    scratch_free(&s);
}

Test(campaign, writes_below_results_runs_scale_fidelity_by_itself) {
    const scratch s = scratch_new();
    const outcome o = run(&s, "toy1 --no-figure --quiet --fidelity code --runs 1");
    expect_done(&o);
    cr_expect(exists(&s, "results/runs/quick/code/toy1/trajectory.csv"));
    scratch_free(&s);
}

Test(campaign, threads_change_no_byte_and_the_seed_does) {
    const scratch s = scratch_new();
    outcome o = run(&s, "toy1 --no-figure --out a --threads 1");
    expect_done(&o);
    o = run(&s, "toy1 --no-figure --out b --threads 2");
    expect_done(&o);
    expect_same_file(&s, "a/toy1/trajectory.csv", "b/toy1/trajectory.csv");
    o = run(&s, "toy1 --no-figure --out c --seed 2");
    expect_done(&o);
    char *a = scratch_get(scratch_path(&s, "a/toy1/trajectory.csv"), NULL);
    char *c = scratch_get(scratch_path(&s, "c/toy1/trajectory.csv"), NULL);
    cr_expect_str_neq(a, c);
    free(a);
    free(c);
    scratch_free(&s);
}

/* SIGKILL at moments drawn by a fixed generator, with a checkpoint after every step or now and
 * then, until the campaign is through. */
static void kill_until_done(const scratch *s, const char *interval, unsigned seed) {
    set.interval = interval;
    int kills = 0;
    for (int i = 0; i < 200; i++) {
        seed = seed * 1103515245U + 12345U;
        const pid_t child =
            start(s, "toy1 --no-figure --quiet --out k --resume --set pause_us=300");
        // the first one cannot have ended yet; later ones are given more time, so that an end is
        // sure
        wait_ms(i == 0 ? 1 : (long)(seed >> 16 & 127) + 10 * i);
        kill(child, SIGKILL);
        const outcome o = finish(s, child);
        if (o.status == 0) {
            break;
        }
        cr_assert_eq(o.status, 1000 + SIGKILL, "status %d: %s", o.status, o.err);
        kills++;
    }
    cr_expect_gt(kills, 0);
    set.interval = "1000";
}

Test(campaign, no_kill_at_any_moment_changes_a_byte, .timeout = 200) {
    const scratch s = scratch_new();
    outcome o = run(&s, "toy1 --no-figure --quiet --out whole --set pause_us=300");
    expect_done(&o);
    const char *const intervals[] = {"0", "0.01"};
    for (unsigned i = 0; i < 4; i++) {
        kill_until_done(&s, intervals[i % 2], 17 + i);
        expect_same_run(&s, "whole", "k", "toy1");
        cr_expect(!exists(&s, "k/toy1/checkpoint.h5"));
        cr_assert_eq(rename(scratch_path(&s, "k"), scratch_path(&s, i < 1   ? "k0"
                                                                    : i < 2 ? "k1"
                                                                    : i < 3 ? "k2"
                                                                            : "k3")),
                     0);
    }
    scratch_free(&s);
}

Test(campaign, a_polite_signal_leaves_a_checkpoint_and_its_own_exit_status, .timeout = 60) {
    const scratch s = scratch_new();
    const char *line = "toy1 --no-figure --quiet --out i --set pause_us=5000";
    const int signals[] = {SIGINT, SIGTERM};
    outcome o = run(&s, "toy1 --no-figure --quiet --out whole --set pause_us=5000");
    expect_done(&o);
    for (size_t i = 0; i < 2; i++) {
        const pid_t child = start(&s, line);
        while (!exists(&s, "i/toy1/manifest.json")) {
            wait_ms(2);
        }
        wait_ms(150);
        kill(child, signals[i]);
        o = finish(&s, child);
        expect_refusal(&o, 128 + signals[i], "toy: interrupted at toy1 walk c=");
        cr_expect_not_null(strstr(o.err, "checkpoint written: continue with --resume"));
        cr_expect(exists(&s, "i/toy1/checkpoint.h5") && exists(&s, "i/toy1/trajectory.csv"));
        o = run(&s, "%s", line);
        expect_refusal(&o, 2,
                       "unfinished run with these settings; give --resume to go on, or --force");
        o = run(&s, "%s --resume", line);
        expect_done(&o);
        expect_same_file(&s, "whole/toy1/trajectory.csv", "i/toy1/trajectory.csv");
        cr_assert_eq(rename(scratch_path(&s, "i"), scratch_path(&s, i == 0 ? "i0" : "i1")), 0);
    }
    scratch_free(&s);
}

/* as Criterion kills a test that takes too long */
Test(harness, a_program_ends_with_the_test_that_started_it, .timeout = 60) {
    const scratch s = scratch_new();
    int pipe_ends[2];
    pid_t program = 0;
    cr_assert_eq(pipe(pipe_ends), 0);
    // the orphan becomes ours, so that its end can be seen
    cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    const pid_t test = fork();
    if (test == 0) {
        program = start(&s, "toy1 --no-figure --quiet --set pause_us=900000");
        if (write(pipe_ends[1], &program, sizeof program) == sizeof program) {
            pause();
        }
        _exit(1);
    }
    cr_assert_eq(read(pipe_ends[0], &program, sizeof program), sizeof program);
    while (!exists(&s, "results/runs/quick/paper/toy1/manifest.json")) {
        wait_ms(2);
    }
    kill(test, SIGKILL);
    int status = 0;
    cr_assert_eq(waitpid(test, &status, 0), test);
    cr_assert_eq(waitpid(program, &status, 0), program);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    scratch_free(&s);
}

Test(campaign, a_complete_run_is_left_alone_and_force_repeats_it) {
    const scratch s = scratch_new();
    outcome o = run(&s, "toy1 --no-figure --quiet --out d");
    expect_done(&o);
    struct stat before, after;
    cr_assert_eq(stat(scratch_path(&s, "d/toy1/trajectory.csv"), &before), 0);
    o = run(&s, "toy1 --no-figure --quiet --out d");
    expect_done(&o);
    cr_expect_not_null(
        strstr(o.out, "toy1: already complete, nothing to do (use --force to run again)"));
    cr_assert_eq(stat(scratch_path(&s, "d/toy1/trajectory.csv"), &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino);
    o = run(&s, "toy1 --no-figure --quiet --out d --force");
    expect_done(&o);
    cr_assert_eq(stat(scratch_path(&s, "d/toy1/trajectory.csv"), &after), 0);
    cr_expect(before.st_ino != after.st_ino || before.st_mtim.tv_nsec != after.st_mtim.tv_nsec);
    scratch_free(&s);
}

Test(campaign, other_settings_are_refused_by_name_and_replaced_by_force) {
    const scratch s = scratch_new();
    outcome o = run(&s, "toy1 --no-figure --quiet --out d");
    expect_done(&o);
    const char *const cases[][2] = {
        {"--seed 2", "(seed: there 1, here 2)"},
        {"--runs 3", "(runs: there 2, here 3)"},
        {"--set walkers=17", "(walkers: there 16, here 17)"},
        {"--fidelity code", "(fidelity: there paper, here code)"},
        {"--scale reduced", "(scale: there quick, here reduced)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        o = run(&s, "toy1 --no-figure --quiet --out d %s", cases[i][0]);
        expect_refusal(&o, 2, "toy: d/toy1: holds a run with other settings (");
        cr_expect_not_null(strstr(o.err, cases[i][1]), "%s", o.err);
        o = run(&s, "toy1 --no-figure --quiet --out d --resume %s", cases[i][0]);
        expect_refusal(&o, 2, cases[i][1]);
    }
    o = run(&s, "toy1 --no-figure --quiet --out d --force --runs 3");
    expect_done(&o);
    json_t *m = manifest_of(&s, "d/toy1");
    cr_expect_eq(json_integer_value(json_object_get(m, "runs")), 3);
    cr_expect_str_eq(json_string_value(json_array_get(json_object_get(m, "overrides"), 0)),
                     "runs=3");
    json_decref(m);
    scratch_free(&s);
}

Test(campaign, force_keeps_what_is_there_until_it_has_rows_of_its_own, .timeout = 60) {
    const scratch s = scratch_new();
    outcome o = run(&s, "toy1 --no-figure --quiet --out d");
    expect_done(&o);
    scratch_put(scratch_path(&s, "d/toy1/toy1.png"), "old", 3);
    char *old = scratch_get(scratch_path(&s, "d/toy1/trajectory.csv"), NULL);
    const char *line = "toy1 --no-figure --quiet --out d --seed 2 --set pause_us=20000";
    char forced[128];
    snprintf(forced, sizeof forced, "%s --force", line);
    const pid_t child = start(&s, forced);
    for (bool begun = false; !begun;) {
        wait_ms(5);
        char *manifest = scratch_get(scratch_path(&s, "d/toy1/manifest.json"), NULL);
        begun = manifest != NULL && strstr(manifest, "\"seed\": 2") != NULL;
        free(manifest);
    }
    kill(child, SIGKILL);
    finish(&s, child);
    char *kept = scratch_get(scratch_path(&s, "d/toy1/trajectory.csv"), NULL);
    cr_assert_not_null(kept, "the rows of the finished run are gone");
    cr_expect_str_eq(kept, old);
    cr_expect(exists(&s, "d/toy1/summary.csv"));
    free(kept);
    free(old);
    // what goes on from there leaves nothing of the old run
    o = run(&s, "%s --resume", line);
    expect_done(&o);
    cr_expect(!exists(&s, "d/toy1/toy1.png"));
    o = run(&s, "toy1 --no-figure --quiet --out e --seed 2");
    expect_done(&o);
    expect_same_run(&s, "d", "e", "toy1");
    scratch_free(&s);
}

/* ---- the number of the numerics ---------------------------------------------------------------
 */

static void add_line(jebm_digest *digest, const char *name, const char *value) {
    jebm_digest_add(digest, name, strlen(name));
    jebm_digest_add(digest, "=", 1);
    jebm_digest_add(digest, value, strlen(value) + 1);
}

/* The fingerprint of a run of the toy, which reads no data, by a program of these numerics. */
static void fingerprint_of(json_t *m, int numerics, char text[JEBM_DIGEST_TEXT]) {
    static const char *const describing[] = {"title",   "scales", "fidelities", "like",
                                             "runs_of", "draws",  "machinery",  "departs"};
    char numbers[2][32];
    snprintf(numbers[0], 32, "%d", numerics);
    snprintf(numbers[1], 32, "%lld", (long long)json_integer_value(json_object_get(m, "seed")));
    jebm_digest digest;
    jebm_digest_init(&digest);
    add_line(&digest, "program", text_in(m, "program"));
    add_line(&digest, "version", text_in(m, "version"));
    add_line(&digest, "numerics", numbers[0]);
    add_line(&digest, "figure", text_in(m, "figure"));
    add_line(&digest, "scale", text_in(m, "scale"));
    add_line(&digest, "fidelity", text_in(m, "fidelity"));
    add_line(&digest, "seed", numbers[1]);
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(m, "preset"), key, value) {
        bool decides = true;
        for (size_t i = 0; i < sizeof describing / sizeof *describing; i++) {
            decides &= strcmp(key, describing[i]) != 0;
        }
        if (decides) {
            add_line(&digest, key, json_string_value(value));
        }
    }
    jebm_digest_text(&digest, text);
}

/* As a program of the numerics before would have left the directory. */
static void age(const scratch *s, const char *directory) {
    char text[JEBM_DIGEST_TEXT], name[64];
    json_t *m = manifest_of(s, directory);
    fingerprint_of(m, JEBM_NUMERICS, text);
    cr_expect_str_eq(text_in(m, "fingerprint"), text);
    cr_expect_eq(json_integer_value(json_object_get(m, "numerics")), JEBM_NUMERICS);
    fingerprint_of(m, JEBM_NUMERICS - 1, text);
    json_object_set_new(m, "fingerprint", json_string(text));
    json_object_set_new(m, "numerics", json_integer(JEBM_NUMERICS - 1));
    snprintf(name, sizeof name, "%s/manifest.json", directory);
    cr_assert_eq(json_dump_file(m, scratch_path(s, name), 0), 0);
    json_decref(m);
}

Test(campaign, a_run_of_other_numerics_is_neither_taken_nor_continued_nor_merged) {
    const scratch s = scratch_new();
    char expected[96];
    snprintf(expected, sizeof expected, "(numerics of another version: there %d, here %d)",
             JEBM_NUMERICS - 1, JEBM_NUMERICS);
    outcome o = run(&s, "toy1 --no-figure --quiet --out d");
    expect_done(&o);
    age(&s, "d/toy1");
    o = run(&s, "toy1 --no-figure --quiet --out d");
    expect_refusal(&o, 2, expected);
    o = run(&s, "toy1 --no-figure --quiet --out d --resume");
    expect_refusal(&o, 2, expected);
    o = run(&s, "toy1 --no-figure --quiet --out a --runs-to 1");
    expect_done(&o);
    o = run(&s, "toy1 --no-figure --quiet --out b --runs-from 2");
    expect_done(&o);
    age(&s, "b/toy1");
    o = run(&s, "toy1 --no-figure --quiet --merge a --merge b --out m");
    expect_refusal(&o, 2, "numerics of another version");
    cr_expect(!exists(&s, "m/toy1"));
    scratch_free(&s);
}

Test(campaign, foreign_and_damaged_directories_are_refused) {
    const scratch s = scratch_new();
    cr_assert_eq(mkdir(scratch_path(&s, "d"), 0777), 0);
    cr_assert_eq(mkdir(scratch_path(&s, "d/toy1"), 0777), 0);
    scratch_put(scratch_path(&s, "d/toy1/thesis.tex"), "x", 1);
    outcome o = run(&s, "toy1 --no-figure --quiet --out d --force");
    expect_refusal(&o, 2, "d/toy1: holds 'thesis.tex' but no manifest.json");
    cr_expect(exists(&s, "d/toy1/thesis.tex"));
    unlink(scratch_path(&s, "d/toy1/thesis.tex"));

    const char *const bad[] = {"", "{", "[]", "{\"schema\": 1}", "{\"schema\": 2}", "\xff\xfe"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scratch_put(scratch_path(&s, "d/toy1/manifest.json"), bad[i], strlen(bad[i]));
        o = run(&s, "toy1 --no-figure --quiet --out d");
        expect_refusal(&o, 1, "--force replaces the whole run");
    }
    o = run(&s, "toy1 --no-figure --quiet --out d --force");
    expect_done(&o);
    scratch_put(scratch_path(&s, "d/toy1/summary.csv"), "edited\n", 7);
    o = run(&s, "toy1 --no-figure --quiet --out d");
    expect_refusal(&o, 1, "d/toy1/summary.csv: was changed after the run");
    scratch_free(&s);
}

Test(campaign, a_damaged_checkpoint_is_refused_and_without_one_a_run_starts_anew, .timeout = 60) {
    const scratch s = scratch_new();
    const char *line = "toy1 --no-figure --quiet --out d --resume --set pause_us=2000";
    const pid_t child = start(&s, line);
    while (!exists(&s, "d/toy1/manifest.json")) {
        wait_ms(2);
    }
    kill(child, SIGTERM);
    outcome o = finish(&s, child);
    cr_assert_eq(o.status, 143, "%s", o.err);
    size_t size = 0;
    char *bytes = scratch_get(scratch_path(&s, "d/toy1/checkpoint.h5"), &size);
    bytes[size / 2] ^= 1;
    scratch_put(scratch_path(&s, "d/toy1/checkpoint.h5"), bytes, size);
    o = run(&s, "%s", line);
    expect_refusal(&o, 1, "d/toy1/checkpoint.h5: is cut or damaged");
    scratch_put(scratch_path(&s, "d/toy1/checkpoint.h5"), bytes, size / 2);
    o = run(&s, "%s", line);
    expect_refusal(&o, 1, "d/toy1/checkpoint.h5: is cut or damaged");
    free(bytes);
    unlink(scratch_path(&s, "d/toy1/checkpoint.h5"));
    o = run(&s, "%s", line);
    expect_done(&o);
    scratch_free(&s);
}

Test(campaign, a_run_that_diverges_keeps_its_rows_and_the_others_go_on) {
    const scratch s = scratch_new();
    outcome o = run(&s, "toy1 --no-figure --quiet --out d --set diverge_at=15");
    cr_expect_eq(o.status, 1);
    cr_expect_not_null(strstr(o.err, "toy: toy1 walk c=0.5 run 1 diverged at step 14: told to\n"));
    cr_expect_not_null(
        strstr(o.err, "toy: d/toy1: 1 run diverged: walk c=0.5 run 1 at step 14 (told to)\n"));
    json_t *m = manifest_of(&s, "d/toy1");
    cr_expect(json_is_true(json_object_get(m, "complete")));
    const json_t *d = json_array_get(json_object_get(m, "diverged"), 0);
    cr_expect_str_eq(text_in(d, "method"), "walk");
    cr_expect_eq(json_integer_value(json_object_get(d, "step")), 14);
    json_decref(m);
    jebm_csv *csv = csv_of(&s, "d/toy1/trajectory.csv");
    cr_expect_eq(jebm_csv_rows(csv), 28 - 4);
    jebm_csv_free(csv);
    o = run(&s, "toy1 --no-figure --quiet --out d --set diverge_at=15");
    cr_expect_eq(o.status, 1, "a complete run that diverged stays diverged");
    scratch_free(&s);
}

/* EFBIG stands for ENOSPC: the same call fails at the same place */
Test(campaign, a_full_disk_is_one_clear_line) {
    const scratch s = scratch_new();
    const rlim_t limits[] = {512, 2500, 6000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        set.file_size = limits[i];
        const outcome o = run(&s, "toy1 --no-figure --quiet --out d%zu --set record_every=1", i);
        set.file_size = 0;
        expect_refusal(&o, 1, ": cannot be written: ");
    }
    cr_expect(!exists(&s, "d2/toy1/trajectory.csv"));
    const outcome o = run(&s, "toy1 --no-figure --quiet --out d2 --set record_every=1 --resume");
    expect_done(&o);
    scratch_free(&s);
}

Test(campaign, a_directory_that_cannot_be_made_is_named) {
    const scratch s = scratch_new();
    scratch_put(scratch_path(&s, "file"), "x", 1);
    const outcome o = run(&s, "toy1 --no-figure --quiet --out file/below");
    expect_refusal(&o, 1, "toy: file: directory cannot be made: ");
    const outcome p = run(&s, "toy1 --no-figure --quiet --out /dev/null/below");
    expect_refusal(&p, 1, "toy: /dev/null: directory cannot be made: ");
    scratch_free(&s);
}

Test(campaign, two_processes_do_not_write_one_directory) {
    const scratch s = scratch_new();
    cr_assert_eq(mkdir(scratch_path(&s, "d"), 0777), 0);
    cr_assert_eq(mkdir(scratch_path(&s, "d/toy1"), 0777), 0);
    const int fd = open(scratch_path(&s, "d/toy1"), O_RDONLY);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    outcome o = run(&s, "toy1 --no-figure --quiet --out d");
    expect_refusal(&o, 1, "d/toy1: another process is writing this run");
    close(fd);
    o = run(&s, "toy1 --no-figure --quiet --out d");
    expect_done(&o);
    scratch_free(&s);
}

Test(campaign, what_cannot_fit_into_memory_is_refused_before_anything_is_written) {
    const scratch s = scratch_new();
    outcome o = run(&s, "toy1 --quiet --out d --set walkers=1e15");
    expect_refusal(&o, 2, "GiB of memory");
    cr_expect_not_null(strstr(o.err, "lower 'walkers'"), "%s", o.err);
    o = run(&s, "toy1 --quiet --out d --set iterations=1e9 --set record_every=1 --runs 10000");
    expect_refusal(&o, 2, "raise 'record_every'");
    cr_expect(!exists(&s, "d"));
    scratch_free(&s);
}

Test(campaign, a_bad_command_is_one_line_and_status_2) {
    const scratch s = scratch_new();
    const char *const cases[][2] = {
        {"toy1 --scal quick", "toy: unknown option '--scal' (did you mean '--scale'?)"},
        {"tyo1", "toy: unknown figure 'tyo1' (did you mean 'toy1'?)"},
        {"toy1 --set wakers=3", "(did you mean 'walkers'?)"},
        {"toy1 --set walkers=13", "toy: walkers = 13: expected a luckier number"},
        {"toy1 --scale paper", "toy: toy1 has no scale 'paper'; it has quick reduced"},
        {"", "toy: no figure given"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const outcome o = run(&s, "%s", cases[i][0]);
        expect_refusal(&o, 2, cases[i][1]);
    }
    set.interval = "soon";
    const outcome o = run(&s, "toy1");
    expect_refusal(&o, 2, "JEBM_CHECKPOINT_SECONDS is 'soon'; expected seconds");
    scratch_free(&s);
}

Test(campaign, lists_and_describes_its_figures) {
    const scratch s = scratch_new();
    outcome o = run(&s, "--list");
    expect_done(&o);
    cr_expect_not_null(
        strstr(o.out, "toy1       quick,reduced             paper,code  A random walk"), "%s",
        o.out);
    cr_expect_not_null(strstr(o.out, "toy2 "));
    o = run(&s, "--describe toy1 --scale reduced --set walkers=5");
    expect_done(&o);
    cr_expect_not_null(strstr(o.out, "iterations = 1000\n"));
    cr_expect_not_null(
        strstr(o.out, "walkers = 5\n    walkers, N\n    an integer from 1 to 1e+15\n"), "%s",
        o.out);
    o = run(&s, "--help");
    expect_done(&o);
    cr_expect_not_null(strstr(o.out, "--fidelity F"));
    o = run(&s, "--version");
    expect_done(&o);
    cr_expect_eq(strncmp(o.out, "toy ", 4), 0);
    scratch_free(&s);
}

Test(campaign, a_missing_preset_file_is_named) {
    const scratch s = scratch_new();
    set.share = "/dev/null";
    const outcome o = run(&s, "toy1");
    expect_refusal(&o, 1, "toy: /dev/null/toy.ini: cannot be opened");
    scratch_free(&s);
}

Test(campaign, draws_or_says_what_to_install) {
    const scratch s = scratch_new();
    set.path = "/nowhere";
    outcome o = run(&s, "toy1 --quiet --out d");
    expect_refusal(&o, 0,
                   "toy: warning: toy1 not drawn: gnuplot is missing (Debian package "
                   "gnuplot-nox");
    json_t *m = manifest_of(&s, "d/toy1");
    cr_expect_not_null(strstr(text_in(m, "drawing"), "gnuplot is missing"));
    json_decref(m);
    o = run(&s, "toy3 --quiet --out d");
    expect_refusal(&o, 0, "toy3 not drawn: there is no analysis/figures/toy3.gp");

    set.path = NULL;
    if (system("command -v gnuplot >/dev/null 2>&1") != 0) {
        cr_skip_test("gnuplot is not installed");
    }
    o = run(&s, "toy1 --quiet --out d");
    expect_done(&o);
    cr_expect_str_eq(o.err, "");
    cr_expect(exists(&s, "d/toy1/toy1.png") && exists(&s, "d/toy1/toy1.svg"));
    m = manifest_of(&s, "d/toy1");
    cr_expect_str_eq(text_in(m, "drawing"), "drawn");
    json_decref(m);
    scratch_free(&s);
}

Test(campaign, a_gnuplot_that_fails_is_an_error) {
    const scratch s = scratch_new();
    cr_assert_eq(mkdir(scratch_path(&s, "bin"), 0777), 0);
    scratch_put(scratch_path(&s, "bin/gnuplot"), "#!/bin/sh\nexit 3\n", 17);
    cr_assert_eq(chmod(scratch_path(&s, "bin/gnuplot"), 0755), 0);
    char path[400];
    snprintf(path, sizeof path, "%s/bin", s.directory);
    set.path = path;
    outcome o = run(&s, "toy1 --quiet --out d");
    expect_refusal(&o, 1, "gnuplot failed (status 3)");
    scratch_put(scratch_path(&s, "bin/gnuplot"), "#!/bin/sh\nexit 0\n", 17);
    o = run(&s, "toy1 --quiet --out d");
    expect_refusal(&o, 1, "gnuplot ended well but did not write d/toy1/toy1.png");
    scratch_free(&s);
}

Test(campaign, a_figure_of_anothers_runs_links_to_them) {
    const scratch s = scratch_new();
    outcome o = run(&s, "toy2 --no-figure --quiet --out d");
    expect_done(&o);
    expect_same_file(&s, "d/toy1/trajectory.csv", "d/toy2/trajectory.csv");
    char target[128];
    const ssize_t length =
        readlink(scratch_path(&s, "d/toy2/summary.csv"), target, sizeof target - 1);
    cr_assert_gt(length, 0);
    target[length] = '\0';
    cr_expect_str_eq(target, "../toy1/summary.csv");
    json_t *m = manifest_of(&s, "d/toy2");
    cr_expect_str_eq(text_in(m, "figure"), "toy2");
    cr_expect_str_eq(text_in(m, "runs_of"), "toy1");
    cr_expect_str_eq(text_in(json_object_get(m, "preset"), "title"),
                     "The same runs, drawn otherwise");
    json_decref(m);
    // the runs are there: nothing is run twice
    o = run(&s, "toy2 --no-figure --quiet --out d");
    expect_done(&o);
    cr_expect_not_null(strstr(o.out, "toy1: already complete"));
    o = run(&s, "toy2 --no-figure --quiet --out d --seed 3");
    expect_refusal(&o, 2, "d/toy1: holds a run with other settings (seed");
    scratch_free(&s);
}

/* ---- which steps are recorded --------------------------------------------------------------- */

Test(campaign, rows_are_denser_up_to_record_until) {
    const scratch s = scratch_new();
    // beyond the first record_every, before it, and where neither divides the other
    static const struct {
        const char *settings, *steps;
    } cases[] = {
        {"--set record_every=12 --set record_first=4 --set record_until=20",
         "0 4 8 12 16 20 24 36 40"},
        {"--set record_every=12 --set record_first=2 --set record_until=4", "0 2 4 12 24 36 40"},
        {"--set record_every=12 --set record_first=5 --set record_until=23",
         "0 5 10 12 15 20 24 36 40"},
        {"--set record_every=12 --set record_until=23", "0 12 24 36 40"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char found[256] = "";
        outcome o =
            run(&s, "toy1 --no-figure --quiet --runs 1 %s --out d%zu", cases[i].settings, i);
        expect_done(&o);
        char name[64];
        snprintf(name, sizeof name, "d%zu/toy1/trajectory.csv", i);
        jebm_csv *csv;
        cr_assert_eq(jebm_csv_read(scratch_path(&s, name), &csv, NULL), JEBM_OK);
        const char *cell = jebm_csv_text(csv, 0, 1);
        for (size_t row = 0; row < jebm_csv_rows(csv); row++) {
            if (strcmp(jebm_csv_text(csv, row, 1), cell) == 0) {
                snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s",
                         row > 0 ? " " : "", jebm_csv_text(csv, row, 3));
            }
        }
        cr_expect_str_eq(found, cases[i].steps);
        jebm_csv_free(csv);
    }
    scratch_free(&s);
}

Test(campaign, rows_are_denser_before_the_first_of_record_every) {
    const scratch s = scratch_new();
    const char *line =
        "toy1 --no-figure --quiet --runs 2 --set record_every=14 --set record_first=5";
    outcome o = run(&s, "%s --out d", line);
    expect_done(&o);
    jebm_csv *csv = NULL;
    cr_assert_eq(jebm_csv_read(scratch_path(&s, "d/toy1/trajectory.csv"), &csv, NULL), JEBM_OK);
    static const char *const steps[] = {"0", "5", "10", "14", "28", "40"};
    for (size_t i = 0; i < jebm_csv_rows(csv); i++) {
        cr_expect_str_eq(jebm_csv_text(csv, i, 3), steps[i % 6], "row %zu", i);
    }
    cr_expect_eq(jebm_csv_rows(csv) % 12, 0);
    jebm_csv_free(csv);
    o = run(&s, "%s --out a --runs-to 1", line);
    expect_done(&o);
    o = run(&s, "%s --out b --runs-from 2", line);
    expect_done(&o);
    o = run(&s, "toy1 --no-figure --quiet --merge a --merge b --out m");
    expect_done(&o);
    expect_same_file(&s, "d/toy1/trajectory.csv", "m/toy1/trajectory.csv");
    scratch_free(&s);
}
