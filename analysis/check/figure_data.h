/* The stored result of one figure: trajectory.csv and manifest.json of a run directory, verified.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_FIGURE_DATA_H
#define JEBM_ANALYSIS_FIGURE_DATA_H

#include "core/status.h"
#include "io/csv.h"
#include "io/digest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Rows [first, first + count) of the trajectory: one run of one cell, steps ascending. */
typedef struct jebm_series {
    const char *method, *variant;
    size_t run;
    size_t first, count;
    bool diverged; /* listed in the manifest's "diverged" */
} jebm_series;

typedef struct jebm_figure_data {
    char path[512]; /* directory that it was read from, for messages */
    char name[256]; /* directory below the results, for reports: no machine path */
    char sha256[JEBM_DIGEST_TEXT]; /* of trajectory.csv */
    json_t *manifest;
    bool complete; /* the manifest says so; otherwise the trajectory was not read */
    char incomplete[80]; /* why, where it is not */
    size_t runs; /* R of the manifest */
    const char *override; /* first setting that departs from the preset's but for the number of runs
                             and the recording; NULL if none. Borrowed from the manifest */

    double last_step; /* of all cells: they end at the same one, but for runs that diverged */
    size_t nrows, ncolumns; /* numeric columns, `step` first */
    const char **columns; /* [ncolumns] names, borrowed from csv */
    double *values; /* [ncolumns][nrows] */
    jebm_series *series;
    size_t nseries;
    jebm_csv *csv;
} jebm_figure_data;

/* Read RESULTS/NAME, a directory with a manifest. Errors: JEBM_EFORMAT for a manifest or CSV that
 * is truncated or corrupt, JEBM_EMISMATCH where the CSV is not the one that the manifest describes,
 * JEBM_EIO. */
jebm_status jebm_figure_data_load(const char *results, const char *name, jebm_figure_data *data,
                                  jebm_error *err);
void jebm_figure_data_free(jebm_figure_data *data);

/* The series of a cell and run, or NULL; variants that end in a number are compared by value. */
const jebm_series *jebm_figure_data_series(const jebm_figure_data *data, const char *method,
                                           const char *variant, size_t run);

/* Index of a numeric column, or ncolumns where there is none of that name. */
size_t jebm_figure_data_column(const jebm_figure_data *data, const char *name);

/* A setting of the manifest's preset as text, or NULL. */
const char *jebm_figure_data_setting(const jebm_figure_data *data, const char *key);

#endif
