/* A directory of its own for one test, and files in it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TESTS_SCRATCH_H
#define JEBM_TESTS_SCRATCH_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef struct scratch {
    char directory[256];
} scratch;

static inline scratch scratch_new(void) {
    scratch s;
    const char *base = getenv("TMPDIR");
    snprintf(s.directory, sizeof s.directory, "%.200s/jebm-test-XXXXXX",
             base != NULL ? base : "/tmp");
    cr_assert_not_null(mkdtemp(s.directory));
    return s;
}

/* Path of a name in the directory; the text lives until the fourth next call. */
static inline const char *scratch_path(const scratch *s, const char *name) {
    static char paths[4][512];
    static size_t next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", s->directory, name);
    return path;
}

static inline void scratch_put(const char *path, const void *bytes, size_t size) {
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, size, f), size);
    cr_assert_eq(fclose(f), 0);
}

/* The whole file, a 0 byte after it; NULL if there is none. The caller frees it. */
static inline char *scratch_get(const char *path, size_t *size) {
    if (size != NULL) {
        *size = 0;
    }
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return NULL;
    }
    fseek(f, 0, SEEK_END);
    const long length = ftell(f);
    rewind(f);
    char *bytes = calloc(1, (size_t)length + 1);
    cr_assert_eq(fread(bytes, 1, (size_t)length, f), (size_t)length);
    fclose(f);
    if (size != NULL) {
        *size = (size_t)length;
    }
    return bytes;
}

static inline void scratch_free(const scratch *s) {
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", s->directory);
    cr_assert_eq(system(command), 0);
}

#endif
