/* The command line that all drivers share.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_OPTIONS_H
#define JEBM_APP_OPTIONS_H

#include "app/driver.h"

#include <jansson.h>

typedef struct jebm_options {
    const char *figure, *scale, *fidelity, *out,
        *data; /* NULL where not given; borrowed from argv */
    const char **overrides; /* [noverrides] of --set, then --runs as "runs=R" */
    size_t noverrides;
    char runs[32];
    uint64_t seed;
    uint64_t runs_from, runs_to; /* 1-based, both included; 0 where not given */
    const char **parts; /* [nparts] of --merge */
    size_t nparts;
    const json_t *inputs; /* of --merge: what its parts were made from; NULL otherwise */
    const char *setting; /* an option given that says what to run; NULL if there was none */
    const char *heading; /* NULL where not given */
    uint64_t afterwards;
    int threads; /* 0: as many as there are */
    bool resume, force, no_figure, list, describe, plan, quiet, help, version;
} jebm_options;

/* Read argv[1..argc).
 *
 * Errors   JEBM_EINVAL for an unknown option (with the nearest one), a missing or bad value, a
 *          second figure, none where one is needed, options that exclude each other. */
jebm_status jebm_options_parse(jebm_options *options, int argc, char **argv, jebm_error *err);
void jebm_options_free(jebm_options *options);

/* --help */
void jebm_options_help(const jebm_driver *driver);

#endif
