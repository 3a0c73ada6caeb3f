/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _XOPEN_SOURCE 700 // realpath()

#include "way.h"

#include "app/share.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* the directory that a file lies in, resolved; the file need not exist */
static char *directory_of(const char *file) {
    const char *slash = strrchr(file, '/');
    char *directory = slash == NULL   ? jebm_format(".")
                      : slash == file ? jebm_format("/")
                                      : jebm_format("%.*s", (int)(slash - file), file);
    char *resolved = directory != NULL ? realpath(directory, NULL) : NULL;
    free(directory);
    return resolved;
}

/* the length of what two resolved paths share, cut at whole names; 0: the root only */
static size_t shared(const char *a, const char *b) {
    size_t whole = 0;
    for (size_t i = 0;; i++) {
        const bool a_ends = a[i] == '/' || a[i] == '\0', b_ends = b[i] == '/' || b[i] == '\0';
        if (a_ends && b_ends) {
            whole = i;
        }
        if (a[i] != b[i] || a[i] == '\0') {
            return whole;
        }
    }
}

static char *way_between(const char *from, const char *to) {
    const size_t n = shared(from, to);
    if (n == 0) {
        return NULL;
    }
    char *way = NULL;
    size_t size;
    FILE *out = open_memstream(&way, &size);
    if (out == NULL) {
        return NULL;
    }
    for (const char *at = from + n; (at = strchr(at, '/')) != NULL; at++) {
        fputs("../", out);
    }
    if (to[n] == '/') {
        fprintf(out, "%s/", to + n + 1);
    }
    if (fclose(out) != 0) {
        free(way);
        return NULL;
    }
    return way;
}

char *jebm_way(const char *page, const char *directory) {
    char *from = directory_of(page), *to = realpath(directory, NULL);
    char *way = from != NULL && to != NULL ? way_between(from, to) : NULL;
    free(from);
    free(to);
    return way;
}
