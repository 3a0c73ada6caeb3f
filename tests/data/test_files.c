/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/files.h"

#include "scratch.h"

static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz",
                                    "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz"};

/* The first n files of a set in a directory below s. */
static void put_files(const scratch *s, const char *directory, size_t n) {
    char command[600];
    snprintf(command, sizeof command, "mkdir -p '%s'", scratch_path(s, directory));
    cr_assert_eq(system(command), 0);
    for (size_t i = 0; i < n; i++) {
        char name[200];
        snprintf(name, sizeof name, "%.100s/%s", directory, names[i]);
        scratch_put(scratch_path(s, name), "", 0);
    }
}

/* An environment in which nothing is found by chance. */
static void set_environment(const scratch *s) {
    unsetenv("JEBM_DATA");
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", scratch_path(s, "home"), 1);
}

static void expect_found(const scratch *s, const char *option, const char *set, const char *below) {
    char path[JEBM_PATH_SIZE];
    jebm_error err = {0};
    cr_expect_eq(jebm_data_directory(option, set, path, sizeof path, &err), JEBM_OK, "%s",
                 err.text);
    cr_expect_str_eq(path, scratch_path(s, below));
}

Test(files, the_option_beats_the_variable_beats_the_cache) {
    const scratch s = scratch_new();
    set_environment(&s);
    put_files(&s, "home/.cache/jebm/mnist", 4);
    expect_found(&s, NULL, "mnist", "home/.cache/jebm/mnist");
    put_files(&s, "xdg/jebm/mnist", 4);
    setenv("XDG_CACHE_HOME", scratch_path(&s, "xdg"), 1);
    expect_found(&s, NULL, "mnist", "xdg/jebm/mnist");
    put_files(&s, "variable/mnist", 4);
    setenv("JEBM_DATA", scratch_path(&s, "variable"), 1);
    expect_found(&s, NULL, "mnist", "variable/mnist");
    put_files(&s, "option/mnist", 4);
    expect_found(&s, scratch_path(&s, "option"), "mnist", "option/mnist");
    setenv("JEBM_DATA", "", 1);
    expect_found(&s, NULL, "mnist", "xdg/jebm/mnist");
    scratch_free(&s);
}

Test(files, the_base_itself_may_hold_the_files) {
    const scratch s = scratch_new();
    set_environment(&s);
    put_files(&s, "a", 4);
    expect_found(&s, scratch_path(&s, "a"), "mnist", "a");
    put_files(&s, "a/mnist", 4);
    expect_found(&s, scratch_path(&s, "a"), "mnist", "a/mnist");
    expect_found(&s, scratch_path(&s, "a"), "fashion-mnist", "a");
    scratch_free(&s);
}

Test(files, one_line_says_what_is_missing_where_it_was_sought_and_what_to_do) {
    const scratch s = scratch_new();
    set_environment(&s);
    put_files(&s, "a/mnist", 2);
    char path[JEBM_PATH_SIZE], expected[768];
    const char *base = scratch_path(&s, "a");
    jebm_error err = {0};
    cr_expect_eq(jebm_data_directory(base, "mnist", path, sizeof path, &err), JEBM_EIO);
    snprintf(expected, sizeof expected,
             "mnist: missing t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (each plain or .gz); "
             "looked in %s/mnist and %s (from --data); run scripts/fetch-data mnist, or name their "
             "directory by --data or JEBM_DATA",
             base, base);
    cr_expect_str_eq(err.text, expected);
    cr_expect_eq(jebm_data_directory(base, "fashion-mnist", path, sizeof path, &err), JEBM_EIO);
    cr_expect_not_null(strstr(err.text, "install the Debian package dataset-fashion-mnist"));
    scratch_free(&s);
}

Test(files, a_path_that_does_not_fit_is_refused) {
    const scratch s = scratch_new();
    set_environment(&s);
    put_files(&s, "mnist", 4);
    char path[8], longer[2 * JEBM_PATH_SIZE];
    jebm_error err = {0};
    cr_expect_eq(jebm_data_directory(s.directory, "mnist", path, sizeof path, &err), JEBM_EINVAL);
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    cr_expect_eq(jebm_data_directory(longer, "mnist", path, sizeof path, &err), JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, "is longer than a path"), "%s", err.text);
    scratch_free(&s);
}

Test(files, only_the_published_digest_of_that_part_of_that_set_is_verified) {
    const char *train = "c5097fdd51cfdbe7695fd9df3612695696864b5c424f58d843ffdc5d335e9914";
    jebm_error err = {0};
    cr_expect_eq(jebm_mnist_verify("mnist", JEBM_TRAIN, train, "d", &err), JEBM_OK);
    cr_expect_eq(jebm_mnist_verify("mnist", JEBM_TEST, train, "d", &err), JEBM_EMISMATCH);
    cr_expect_str_eq(err.text, "d: the t10k files are not those of mnist: SHA-256 c5097fdd..., "
                               "expected 18489308...; fetch them anew (scripts/fetch-data)");
    cr_expect_eq(jebm_mnist_verify("fashion-mnist", JEBM_TRAIN, train, "d", &err), JEBM_EMISMATCH);
    cr_expect_eq(jebm_mnist_verify("kmnist", JEBM_TRAIN, train, "d", &err), JEBM_EINVAL);
}
