/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "figure_data.h"

#include "io/content.h"
#include "tree.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const labels[] = {"method", "variant", "run", "step"};
enum { NLABELS = 4, MAX_RUNS = 1000000 };

/* ---- manifest.json ---- */

static jebm_status bad_manifest(const jebm_figure_data *d, const char *expected, jebm_error *err) {
    return jebm_fail(err, JEBM_EFORMAT, "%s/manifest.json: expected %s; was it written by jebm?",
                     d->path, expected);
}

/* a part holds only some of the runs, whatever else its manifest says */
static jebm_status read_completeness(jebm_figure_data *d, jebm_error *err) {
    const json_t *complete = json_object_get(d->manifest, "complete");
    const json_t *part = json_object_get(d->manifest, "part");
    if (!json_is_boolean(complete)) {
        return bad_manifest(d, "\"complete\": true or false", err);
    }
    d->complete = json_is_true(complete) && part == NULL;
    if (part != NULL) {
        snprintf(d->incomplete, sizeof d->incomplete, "part of the %zu runs (%lld to %lld): merge",
                 d->runs, (long long)json_integer_value(json_object_get(part, "from")),
                 (long long)json_integer_value(json_object_get(part, "to")));
    } else if (!d->complete) {
        snprintf(d->incomplete, sizeof d->incomplete, "its run did not finish");
    }
    return JEBM_OK;
}

static jebm_status read_manifest(jebm_figure_data *d, const char *path, jebm_error *err) {
    json_error_t why;
    d->manifest = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (d->manifest == NULL) {
        return jebm_fail(err, JEBM_EFORMAT, "%s:%d: %.160s; the manifest is cut or corrupt", path,
                         why.line, why.text);
    }
    if (json_integer_value(json_object_get(d->manifest, "schema")) != 1) {
        return bad_manifest(d, "\"schema\": 1", err);
    }
    const json_int_t runs = json_integer_value(json_object_get(d->manifest, "runs"));
    if (runs < 1 || runs > MAX_RUNS) {
        return bad_manifest(d, "\"runs\": a number from 1 to 1000000", err);
    }
    d->runs = (size_t)runs;
    JEBM_TRY(read_completeness(d, err));
    d->override = jebm_manifest_override(d->manifest);
    return JEBM_OK;
}

/* is the CSV the one that the manifest was written for? */
static jebm_status check_digest(jebm_figure_data *d, const char *csv_path, jebm_error *err) {
    const json_t *file = json_object_get(json_object_get(d->manifest, "files"), "trajectory.csv");
    const char *expected = json_string_value(json_object_get(file, "sha256"));
    if (expected == NULL) {
        return bad_manifest(d, "a sha256 of trajectory.csv under \"files\"", err);
    }
    JEBM_TRY(jebm_content_digest(csv_path, d->sha256, err));
    if (strcmp(expected, d->sha256) != 0) {
        return jebm_fail(err, JEBM_EMISMATCH,
                         "%s: found sha256 %.12s..., expected %.12s... as manifest.json says: the "
                         "file was changed or cut; run the figure again",
                         csv_path, d->sha256, expected);
    }
    return JEBM_OK;
}

/* ---- trajectory.csv ---- */

static jebm_status read_columns(jebm_figure_data *d, const char *path, jebm_error *err) {
    JEBM_TRY(jebm_csv_read(path, &d->csv, err));
    const size_t all = jebm_csv_columns(d->csv);
    for (size_t i = 0; i < NLABELS; i++) {
        const char *name = i < all ? jebm_csv_name(d->csv, i) : "nothing";
        if (strcmp(name, labels[i]) != 0) {
            return jebm_fail(err, JEBM_EFORMAT, "%s:1: found column '%s', expected '%s'", path,
                             name, labels[i]);
        }
    }
    d->nrows = jebm_csv_rows(d->csv);
    d->ncolumns = all - NLABELS + 1;
    if (d->nrows == 0) {
        return jebm_fail(err, JEBM_EFORMAT, "%s: found no rows, expected some", path);
    }
    d->columns = malloc(d->ncolumns * sizeof *d->columns);
    d->values = malloc(d->ncolumns * d->nrows * sizeof *d->values);
    d->series = calloc(d->nrows, sizeof *d->series);
    if (d->columns == NULL || d->values == NULL || d->series == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory to read it", path);
    }
    for (size_t i = 0; i < d->ncolumns; i++) {
        const size_t column = NLABELS - 1 + i;
        d->columns[i] = jebm_csv_name(d->csv, column);
        JEBM_TRY(jebm_csv_numbers(d->csv, column, d->values + i * d->nrows, err));
    }
    return JEBM_OK;
}

static bool continues(const jebm_series *s, const jebm_series *next) {
    return s->run == next->run && strcmp(s->method, next->method) == 0 &&
           strcmp(s->variant, next->variant) == 0;
}

/* cut the rows into runs: they come sorted by cell, run, step */
static jebm_status read_series(jebm_figure_data *d, const char *path, jebm_error *err) {
    double *runs = malloc(d->nrows * sizeof *runs);
    if (runs == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory to read it", path);
    }
    jebm_status status = jebm_csv_numbers(d->csv, 2, runs, err);
    for (size_t row = 0; row < d->nrows && status == JEBM_OK; row++) {
        const double run = runs[row], step = d->values[row];
        if (!(run >= 0 && run < (double)d->runs && run == floor(run) && step >= 0)) {
            status = jebm_fail(err, JEBM_EFORMAT,
                               "%s:%zu: found run %g, step %g, expected a run below the manifest's "
                               "%zu and a step from 0",
                               path, row + 2, run, step, d->runs);
            break;
        }
        const jebm_series next = {.method = jebm_csv_text(d->csv, row, 0),
                                  .variant = jebm_csv_text(d->csv, row, 1),
                                  .run = (size_t)run,
                                  .first = row,
                                  .count = 1};
        jebm_series *s = d->nseries > 0 ? &d->series[d->nseries - 1] : NULL;
        const bool goes_on = s != NULL && continues(s, &next);
        d->last_step = fmax(d->last_step, step);
        if (goes_on ? step <= d->values[row - 1]
                    : jebm_figure_data_series(d, next.method, next.variant, next.run) != NULL) {
            status = jebm_fail(err, JEBM_EFORMAT,
                               "%s:%zu: found step %g of %s %s run %zu out of order, expected rows "
                               "by cell, run and step",
                               path, row + 2, step, next.method, next.variant, next.run);
        } else if (goes_on) {
            s->count++;
        } else {
            d->series[d->nseries++] = next;
        }
    }
    free(runs);
    return status;
}

static jebm_status mark_diverged(jebm_figure_data *d, jebm_error *err) {
    const json_t *list = json_object_get(d->manifest, "diverged");
    size_t i;
    const json_t *entry;
    json_array_foreach(list, i, entry) {
        const char *method = json_string_value(json_object_get(entry, "method"));
        const char *variant = json_string_value(json_object_get(entry, "variant"));
        const json_t *run = json_object_get(entry, "run");
        if (method == NULL || variant == NULL || !json_is_integer(run)) {
            return bad_manifest(d, "method, variant and run in each entry of \"diverged\"", err);
        }
        for (size_t s = 0; s < d->nseries; s++) {
            jebm_series *series = &d->series[s];
            series->diverged |= strcmp(series->method, method) == 0 &&
                                strcmp(series->variant, variant) == 0 &&
                                (json_int_t)series->run == json_integer_value(run);
        }
    }
    return JEBM_OK;
}

static jebm_status read_all(jebm_figure_data *d, jebm_error *err) {
    char path[sizeof d->path + 16];
    snprintf(path, sizeof path, "%s/manifest.json", d->path);
    JEBM_TRY(read_manifest(d, path, err));
    if (!d->complete) {
        return JEBM_OK;
    }
    snprintf(path, sizeof path, "%s/trajectory.csv", d->path);
    JEBM_TRY(check_digest(d, path, err));
    JEBM_TRY(read_columns(d, path, err));
    JEBM_TRY(read_series(d, path, err));
    return mark_diverged(d, err);
}

jebm_status jebm_figure_data_load(const char *results, const char *name, jebm_figure_data *d,
                                  jebm_error *err) {
    memset(d, 0, sizeof *d);
    const int n = snprintf(d->path, sizeof d->path, "%s/%s", results, name);
    if (n < 0 || (size_t)n >= sizeof d->path || strlen(name) >= sizeof d->name) {
        return jebm_fail(err, JEBM_EINVAL, "%.60s...: the path is too long", results);
    }
    snprintf(d->name, sizeof d->name, "%s", name);
    const jebm_status status = read_all(d, err);
    if (status != JEBM_OK) {
        jebm_figure_data_free(d);
    }
    return status;
}

void jebm_figure_data_free(jebm_figure_data *d) {
    if (d == NULL) {
        return;
    }
    json_decref(d->manifest);
    free(d->columns);
    free(d->values);
    free(d->series);
    jebm_csv_free(d->csv);
    memset(d, 0, sizeof *d);
}

/* "c=1" and "c=1.0" are the same variant */
static bool same_variant(const char *a, const char *b) {
    if (strcmp(a, b) == 0) {
        return true;
    }
    const char *x = strchr(a, '='), *y = strchr(b, '=');
    if (x == NULL || y == NULL || x - a != y - b || strncmp(a, b, (size_t)(x - a)) != 0) {
        return false;
    }
    char *xend, *yend;
    const double left = strtod(x + 1, &xend), right = strtod(y + 1, &yend);
    return xend > x + 1 && yend > y + 1 && *xend == '\0' && *yend == '\0' && left == right;
}

const jebm_series *jebm_figure_data_series(const jebm_figure_data *d, const char *method,
                                           const char *variant, size_t run) {
    for (size_t i = 0; i < d->nseries; i++) {
        const jebm_series *s = &d->series[i];
        if (s->run == run && strcmp(s->method, method) == 0 && same_variant(s->variant, variant)) {
            return s;
        }
    }
    return NULL;
}

size_t jebm_figure_data_column(const jebm_figure_data *d, const char *name) {
    size_t i = 0;
    while (i < d->ncolumns && strcmp(d->columns[i], name) != 0) {
        i++;
    }
    return i;
}

const char *jebm_figure_data_setting(const jebm_figure_data *d, const char *key) {
    return json_string_value(json_object_get(json_object_get(d->manifest, "preset"), key));
}
