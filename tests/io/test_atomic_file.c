/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/atomic_file.h"

#include "scratch.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_content(const char *path, const char *content) {
    char *found = scratch_get(path, NULL);
    cr_assert_not_null(found, "%s is missing", path);
    cr_expect_str_eq(found, content);
    free(found);
}

static void expect_missing(const char *path) {
    cr_expect_neq(access(path, F_OK), 0, "%s is there", path);
}

Test(atomic_file, replaces_the_old_file_by_commit_only) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "file");
    scratch_put(path, "old", 3);
    jebm_atomic_file file;
    cr_assert_eq(jebm_atomic_open(&file, path, NULL), JEBM_OK);
    fputs("new", file.stream);
    fflush(file.stream);
    expect_content(path, "old");
    cr_assert_eq(jebm_atomic_commit(&file, NULL), JEBM_OK);
    expect_content(path, "new");
    expect_missing(scratch_path(&s, "file.part"));
    jebm_atomic_abandon(&file);
    expect_content(path, "new");
    scratch_free(&s);
}

Test(atomic_file, abandon_leaves_the_old_file_and_no_part) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "file");
    scratch_put(path, "old", 3);
    jebm_atomic_file file;
    cr_assert_eq(jebm_atomic_open(&file, path, NULL), JEBM_OK);
    fputs("new", file.stream);
    jebm_atomic_abandon(&file);
    expect_content(path, "old");
    expect_missing(scratch_path(&s, "file.part"));
    scratch_free(&s);
}

Test(atomic_file, overwrites_a_part_left_by_a_killed_writer) {
    const scratch s = scratch_new();
    scratch_put(scratch_path(&s, "file.part"), "longer than the new text", 24);
    cr_assert_eq(jebm_atomic_write(scratch_path(&s, "file"), "new", 3, NULL), JEBM_OK);
    expect_content(scratch_path(&s, "file"), "new");
    scratch_free(&s);
}

/* Stands for a full disk: the kernel refuses the bytes in the same call, with EFBIG for ENOSPC. */
Test(atomic_file, a_write_that_fails_leaves_the_old_file_and_says_why) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "file");
    scratch_put(path, "old", 3);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {4096, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    char *bytes = calloc(1, 1000000);
    const size_t sizes[] = {5000, 1000000};
    for (size_t i = 0; i < 2; i++) {
        jebm_error err = {0};
        cr_expect_eq(jebm_atomic_write(path, bytes, sizes[i], &err), JEBM_EIO);
        cr_expect_not_null(strstr(err.text, "/file: cannot be written: "), "%s", err.text);
        cr_expect_null(strchr(err.text, '\n'));
        expect_content(path, "old");
        expect_missing(scratch_path(&s, "file.part"));
    }
    free(bytes);
    scratch_free(&s);
}

Test(atomic_file, a_path_below_a_file_is_refused_by_name) {
    const scratch s = scratch_new();
    scratch_put(scratch_path(&s, "file"), "x", 1);
    jebm_error err = {0};
    cr_expect_eq(jebm_atomic_write(scratch_path(&s, "file/below"), "new", 3, &err), JEBM_EIO);
    cr_expect_not_null(strstr(err.text, "/file/below: cannot be written: Not a directory"), "%s",
                       err.text);
    scratch_free(&s);
}

Test(atomic_file, a_directory_in_the_place_of_the_file_is_kept) {
    const scratch s = scratch_new();
    cr_assert_eq(mkdir(scratch_path(&s, "file"), 0777), 0);
    jebm_error err = {0};
    cr_expect_eq(jebm_atomic_write(scratch_path(&s, "file"), "new", 3, &err), JEBM_EIO);
    expect_missing(scratch_path(&s, "file.part"));
    scratch_free(&s);
}
