/* Figure directories made up for a test: a trajectory and the manifest that belongs to it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TESTS_FIXTURE_H
#define JEBM_TESTS_FIXTURE_H

#include "io/digest.h"

#include "../io/scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

typedef struct fixture {
    const char *scale, *fidelity, *figure;
    const char *csv;
    int runs;
    const char *complete; /* NULL: true */
    const char *diverged; /* JSON entries, NULL: none */
    const char *overrides; /* JSON entries, NULL: none */
} fixture;

static inline void fixture_make_directories(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        cr_assert(mkdir(path, 0777) == 0 || errno == EEXIST);
        *slash = '/';
    }
}

/* Path of a file of the fixture; static, overwritten by the next call. */
static inline char *fixture_path(const scratch *s, const fixture *f, const char *name) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s/%s/%s", s->directory, f->scale, f->fidelity, f->figure,
             name);
    return path;
}

static inline void fixture_put(const scratch *s, const fixture *f) {
    char manifest[2048], digest[JEBM_DIGEST_TEXT];
    jebm_digest_bytes(f->csv, strlen(f->csv), digest);
    snprintf(manifest, sizeof manifest,
             "{\"schema\": 1, \"scale\": \"%s\", \"fidelity\": \"%s\", \"figure\": \"%s\",\n"
             "\"runs\": %d, \"complete\": %s,\n"
             "\"preset\": {\"p_star\": \"0.25\", \"iterations\": \"4\", \"words\": \"a b\"},\n"
             "\"files\": {\"trajectory.csv\": {\"sha256\": \"%s\", \"rows\": 1}},\n"
             "\"diverged\": [%s], \"overrides\": [%s]}\n",
             f->scale, f->fidelity, f->figure, f->runs, f->complete ? f->complete : "true", digest,
             f->diverged ? f->diverged : "", f->overrides ? f->overrides : "");
    char *path = fixture_path(s, f, "trajectory.csv");
    fixture_make_directories(path);
    scratch_put(path, f->csv, strlen(f->csv));
    scratch_put(fixture_path(s, f, "manifest.json"), manifest, strlen(manifest));
}

#endif
