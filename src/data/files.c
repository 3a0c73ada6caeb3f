/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/files.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FASHION "fashion-mnist"
#define FASHION_DEBIAN "/usr/share/datasets/fashion-mnist"
#define MNIST_FILES 4

/* images and labels of the training part, then of the test part */
static const char *const mnist_file[MNIST_FILES] = {
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte"};

static bool print_path(char *path, size_t size, const char *directory, const char *name,
                       const char *suffix) {
    const int length = snprintf(path, size, "%s/%s%s", directory, name, suffix);
    return length >= 0 && (size_t)length < size;
}

/* The file of that name, plain or .gz, if it can be read. */
static bool find(const char *directory, const char *name, char path[JEBM_PATH_SIZE]) {
    static const char *const suffixes[] = {"", ".gz"};
    for (size_t i = 0; i < 2; i++) {
        if (print_path(path, JEBM_PATH_SIZE, directory, name, suffixes[i]) &&
            access(path, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

jebm_status jebm_mnist_find(const char *directory, jebm_split split, char images[JEBM_PATH_SIZE],
                            char labels[JEBM_PATH_SIZE], jebm_error *err) {
    char *const paths[] = {images, labels};
    for (size_t i = 0; i < 2; i++) {
        const char *name = mnist_file[(split == JEBM_TEST ? 2 : 0) + i];
        if (!find(directory, name, paths[i])) {
            return jebm_fail(err, JEBM_EIO,
                             "%.300s: holds neither %s nor %s.gz that can be read; fetch them "
                             "(scripts/fetch-data)",
                             directory, name, name);
        }
    }
    return JEBM_OK;
}

/* How many of the four files are there; missing takes the names of the others. */
static size_t count_files(const char *directory, char missing[128]) {
    char path[JEBM_PATH_SIZE];
    size_t count = 0, used = 0;
    missing[0] = '\0';
    for (size_t i = 0; i < MNIST_FILES; i++) {
        if (find(directory, mnist_file[i], path)) {
            count++;
        } else {
            used += (size_t)snprintf(missing + used, 128 - used, "%s%s", used > 0 ? ", " : "",
                                     mnist_file[i]);
        }
    }
    return count;
}

/* The base directory and, for messages, the one who chose it. */
static const char *choose_base(const char *option, char base[JEBM_PATH_SIZE]) {
    const struct {
        const char *said_by, *directory, *below;
    } choices[] = {{"--data", option, ""},
                   {"JEBM_DATA", getenv("JEBM_DATA"), ""},
                   {"XDG_CACHE_HOME", getenv("XDG_CACHE_HOME"), "/jebm"},
                   {"HOME", getenv("HOME"), "/.cache/jebm"}};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        const char *directory = choices[i].directory;
        if (directory != NULL && *directory != '\0') {
            snprintf(base, JEBM_PATH_SIZE, "%s%s", directory, choices[i].below);
            return choices[i].said_by;
        }
    }
    snprintf(base, JEBM_PATH_SIZE, ".");
    return "nobody: no JEBM_DATA, no HOME";
}

static jebm_status not_found(const char *set, const char *base, const char *said_by,
                             const char *missing, bool debian, jebm_error *err) {
    return jebm_fail(
        err, JEBM_EIO,
        "%s: missing %s (each plain or .gz); looked in %.150s/%s and %.150s (from %s)%s; %s, or "
        "name their directory by --data or JEBM_DATA",
        set, missing, base, set, base, said_by, debian ? " and " FASHION_DEBIAN : "",
        strcmp(set, FASHION) == 0 ? "install the Debian package dataset-fashion-mnist"
                                  : "run scripts/fetch-data mnist");
}

static jebm_status too_long(const char *path, jebm_error *err) {
    return jebm_fail(err, JEBM_EINVAL, "%.300s: is longer than a path of data may be", path);
}

jebm_status jebm_data_directory(const char *option, const char *set, char *path, size_t size,
                                jebm_error *err) {
    char base[JEBM_PATH_SIZE], below[JEBM_PATH_SIZE], missing[128], fewest[128] = "";
    const char *said_by = choose_base(option, base);
    if (!print_path(below, sizeof below, base, set, "")) {
        return too_long(base, err);
    }
    const bool debian = option == NULL && strcmp(set, FASHION) == 0;
    const char *const places[] = {below, base, FASHION_DEBIAN};
    size_t most = 0;
    for (size_t i = 0; i < (debian ? 3 : 2); i++) {
        const size_t count = count_files(places[i], missing);
        if (count == MNIST_FILES) {
            const size_t length = strlen(places[i]);
            if (length >= size) {
                return too_long(places[i], err);
            }
            memcpy(path, places[i], length + 1);
            return JEBM_OK;
        }
        // the place that has most of them is the one that was meant
        if (i == 0 || count > most) {
            most = count;
            memcpy(fewest, missing, sizeof fewest);
        }
    }
    return not_found(set, base, said_by, fewest, debian, err);
}

/* SHA-256 of images and labels, of the files whose own digests scripts/fetch-data checks. */
static const struct {
    const char *set, *digest[2];
} published[] = {
    {"mnist",
     {"c5097fdd51cfdbe7695fd9df3612695696864b5c424f58d843ffdc5d335e9914",
      "18489308deedfe2f7bd3a11e599a597126f161d991b1ffcffb71642aa76f7f62"}},
    {FASHION,
     {"d9ef4273af5c2e360155dad0c06bd939447bf37a6620db007d69fc79e4732045",
      "30214f3fe91405cb8ea60b11ecf0914a65dd6a6ca8e13c13a62eb434f2d9fe56"}},
};

jebm_status jebm_mnist_verify(const char *set, jebm_split split, const char *digest,
                              const char *directory, jebm_error *err) {
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        if (strcmp(set, published[i].set) == 0) {
            const char *expected = published[i].digest[split == JEBM_TEST];
            if (strcmp(digest, expected) == 0) {
                return JEBM_OK;
            }
            return jebm_fail(err, JEBM_EMISMATCH,
                             "%.300s: the %s files are not those of %s: SHA-256 %.8s..., expected "
                             "%.8s...; fetch them anew (scripts/fetch-data)",
                             directory, split == JEBM_TEST ? "t10k" : "train", set, digest,
                             expected);
        }
    }
    return jebm_fail(err, JEBM_EINVAL, "no digests are known of a set '%s'", set);
}
