/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/merge.h"

#include "app/artefacts.h"
#include "app/manifest.h"
#include "app/share.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static jebm_status no_memory(jebm_error *err) {
    return jebm_fail(err, JEBM_ENOMEM, "not enough memory to merge");
}

/* ---------------------------------------------------------------------------------- the parts */

static bool has_manifest(const char *directory) {
    char *path = jebm_format("%s/manifest.json", directory);
    const bool there = path != NULL && access(path, F_OK) == 0;
    free(path);
    return there;
}

static jebm_status open_part(jebm_part *part, const char *given, const char *figure,
                             jebm_error *err) {
    part->directory = jebm_format("%s/%s", given, figure);
    if (part->directory != NULL && !has_manifest(part->directory) && has_manifest(given)) {
        free(part->directory);
        part->directory = jebm_format("%s", given);
    }
    if (part->directory == NULL) {
        return no_memory(err);
    }
    if (!has_manifest(part->directory)) {
        return jebm_fail(err, JEBM_EIO,
                         "--merge %s: holds no part of %s: neither %s/manifest.json nor "
                         "%s/manifest.json is there",
                         given, figure, part->directory, given);
    }
    return jebm_manifest_read(part->directory, &part->manifest, err);
}

jebm_status jebm_merge_open(jebm_merge *m, const jebm_options *options, const char *figure,
                            jebm_error *err) {
    memset(m, 0, sizeof *m);
    m->parts = calloc(options->nparts, sizeof *m->parts);
    if (m->parts == NULL) {
        return no_memory(err);
    }
    m->nparts = options->nparts;
    for (size_t i = 0; i < m->nparts; i++) {
        JEBM_TRY(open_part(&m->parts[i], options->parts[i], figure, err));
    }
    return JEBM_OK;
}

void jebm_merge_close(jebm_merge *m) {
    for (size_t i = 0; i < m->nparts; i++) {
        free(m->parts[i].directory);
        json_decref(m->parts[i].manifest);
        jebm_csv_free(m->parts[i].csv);
        free(m->parts[i].values);
    }
    free(m->parts);
    memset(m, 0, sizeof *m);
}

jebm_status jebm_merge_settings(const jebm_merge *m, jebm_options *options, jebm_error *err) {
    const json_t *manifest = m->parts[0].manifest;
    const json_t *list = json_object_get(manifest, "overrides");
    const char **overrides = calloc(json_array_size(list) + 1, sizeof *overrides);
    if (overrides == NULL) {
        return no_memory(err);
    }
    free(options->overrides);
    options->overrides = overrides;
    options->noverrides = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL) {
            return jebm_fail(err, JEBM_EFORMAT,
                             "%s/manifest.json: an override is no text; was it edited?",
                             m->parts[0].directory);
        }
        options->overrides[options->noverrides++] = text;
    }
    options->scale = json_string_value(json_object_get(manifest, "scale"));
    options->fidelity = json_string_value(json_object_get(manifest, "fidelity"));
    options->inputs = json_object_get(manifest, "inputs");
    options->seed = (uint64_t)json_integer_value(json_object_get(manifest, "seed"));
    return JEBM_OK;
}

/* ------------------------------------------------------------------------------------- checks */

static jebm_status check_settings(jebm_merge *m, const jebm_campaign *c, jebm_error *err) {
    for (size_t i = 0; i < m->nparts; i++) {
        jebm_part *p = &m->parts[i];
        jebm_difference d;
        if (!jebm_manifest_same_settings(p->manifest, c, &d)) {
            // the campaign was planned from the first part: it and this program have come apart
            return jebm_fail(
                err, JEBM_EINVAL,
                "%s: has %s '%s', but %s has '%s'; only parts of one run can be merged",
                p->directory, d.key, d.there, i > 0 ? m->parts[0].directory : "this program",
                d.here);
        }
        if (!jebm_manifest_range(p->manifest, &p->first, &p->end) || p->end > c->runs) {
            return jebm_fail(
                err, JEBM_EFORMAT,
                "%s/manifest.json: does not say which of the %zu runs it is about; was "
                "it edited?",
                p->directory, c->runs);
        }
        if (!jebm_manifest_complete(p->manifest)) {
            return jebm_fail(err, JEBM_EINVAL,
                             "%s: is unfinished; go on with it by --resume, then merge",
                             p->directory);
        }
    }
    return JEBM_OK;
}

static jebm_status check_target(const jebm_merge *m, const jebm_campaign *c, jebm_error *err) {
    struct stat target, part;
    for (size_t i = 0; i < m->nparts && stat(c->directory, &target) == 0; i++) {
        if (stat(m->parts[i].directory, &part) == 0 && part.st_dev == target.st_dev &&
            part.st_ino == target.st_ino) {
            return jebm_fail(err, JEBM_EINVAL,
                             "%s: is a part itself and would be written over; give another --out",
                             c->directory);
        }
    }
    return JEBM_OK;
}

static int compare_parts(const void *left, const void *right) {
    const jebm_part *a = left, *b = right;
    return a->first != b->first ? (a->first < b->first ? -1 : 1)
                                : (a->end > b->end) - (a->end < b->end);
}

/* Sort the parts by their runs; each run must be in one of them. */
static jebm_status check_ranges(jebm_merge *m, const jebm_campaign *c, jebm_error *err) {
    qsort(m->parts, m->nparts, sizeof *m->parts, compare_parts);
    size_t next = 0;
    for (size_t i = 0; i <= m->nparts; i++) {
        const jebm_part *p = &m->parts[i < m->nparts ? i : 0];
        const size_t first = i < m->nparts ? p->first : c->runs;
        if (first > next) {
            return jebm_fail(err, JEBM_EINVAL,
                             "the runs %zu to %zu of %zu are in no part: compute them with "
                             "--runs-from %zu --runs-to %zu and merge again",
                             next + 1, first, c->runs, next + 1, first);
        }
        if (first < next) {
            const jebm_part *before = &m->parts[i - 1];
            return jebm_fail(err, JEBM_EINVAL,
                             "run %zu is in two parts: %s has the runs %zu to %zu, %s %zu to %zu; "
                             "leave one out",
                             first + 1, before->directory, before->first + 1, before->end,
                             p->directory, p->first + 1, p->end);
        }
        next = p->end;
    }
    return JEBM_OK;
}

/* Numbers of other kernels or other code agree to rounding at best. */
static void warn_of_environments(const jebm_merge *m, const jebm_campaign *c) {
    static const char *const keys[] = {"isa", "compiler", "git_revision"};
    const jebm_part *a = &m->parts[0];
    for (size_t i = 1; i < m->nparts; i++) {
        const jebm_part *b = &m->parts[i];
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            const json_t *x = json_object_get(json_object_get(a->manifest, "environment"), keys[k]);
            const json_t *y = json_object_get(json_object_get(b->manifest, "environment"), keys[k]);
            if (!json_equal(x, y)) {
                fprintf(stderr,
                        "%s: warning: %s was computed with %s %.80s, %s with %.80s: the CSVs will "
                        "agree with those of a run that was not split to rounding only\n",
                        c->driver->program, a->directory, keys[k],
                        json_is_string(x) ? json_string_value(x) : "unknown", b->directory,
                        json_is_string(y) ? json_string_value(y) : "unknown");
                return;
            }
        }
    }
}

/* --------------------------------------------------------------------------------------- rows */

enum { METHOD, VARIANT, RUN, STEP, NLABELS };

static jebm_status read_columns(jebm_part *p, const jebm_campaign *c, const char *path,
                                jebm_error *err) {
    static const char *const labels[NLABELS] = {"method", "variant", "run", "step"};
    JEBM_TRY(jebm_csv_read(path, &p->csv, err));
    const size_t n = jebm_csv_columns(p->csv), rows = jebm_csv_rows(p->csv);
    for (size_t i = 0; i < NLABELS + c->ncolumns; i++) {
        const char *expected = i < NLABELS ? labels[i] : c->driver->columns[i - NLABELS];
        const char *found = i < n ? jebm_csv_name(p->csv, i) : "nothing";
        if (strcmp(found, expected) != 0) {
            return jebm_fail(err, JEBM_EFORMAT, "%s:1: found column '%.80s', expected '%s'", path,
                             found, expected);
        }
    }
    if (n > NLABELS + c->ncolumns) {
        return jebm_fail(err, JEBM_EFORMAT, "%s:1: found %zu columns, expected %zu", path, n,
                         NLABELS + c->ncolumns);
    }
    p->values = calloc(c->ncolumns * rows + 1, sizeof *p->values);
    if (p->values == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < c->ncolumns; i++) {
        JEBM_TRY(jebm_csv_numbers(p->csv, NLABELS + i, p->values + i * rows, err));
    }
    return JEBM_OK;
}

static jebm_status read_part(jebm_part *p, const jebm_campaign *c, jebm_error *err) {
    JEBM_TRY(jebm_manifest_check_files(p->directory, p->manifest, err));
    char *path = jebm_format("%s/trajectory.csv", p->directory);
    if (path == NULL) {
        return no_memory(err);
    }
    const jebm_status status = read_columns(p, c, path, err);
    free(path);
    return status;
}

static const char *field(const jebm_part *p, size_t column) {
    return p->row < jebm_csv_rows(p->csv) ? jebm_csv_text(p->csv, p->row, column) : "nothing";
}

static jebm_status refuse_row(const jebm_part *p, const char *expected, jebm_error *err) {
    return jebm_fail(err, JEBM_EFORMAT,
                     "%s/trajectory.csv:%zu: found %.32s %.32s run %.20s step %.20s, expected %s",
                     p->directory, p->row + 2, field(p, METHOD), field(p, VARIANT), field(p, RUN),
                     field(p, STEP), expected);
}

static bool is_row(const jebm_part *p, const jebm_cell *cell, size_t run, uint64_t step) {
    char texts[2][24];
    snprintf(texts[0], sizeof texts[0], "%zu", run);
    snprintf(texts[1], sizeof texts[1], "%" PRIu64, step);
    return strcmp(field(p, METHOD), cell->method) == 0 &&
           strcmp(field(p, VARIANT), cell->variant) == 0 && strcmp(field(p, RUN), texts[0]) == 0 &&
           strcmp(field(p, STEP), texts[1]) == 0;
}

/* The entry of a cell and run in a list of the manifest, or NULL. */
static json_t *find_entry(const json_t *list, const jebm_cell *cell, size_t run) {
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry) {
        const char *method = json_string_value(json_object_get(entry, "method"));
        const char *variant = json_string_value(json_object_get(entry, "variant"));
        const json_t *number = json_object_get(entry, "run");
        if (method != NULL && variant != NULL && strcmp(method, cell->method) == 0 &&
            strcmp(variant, cell->variant) == 0 && json_is_integer(number) &&
            json_integer_value(number) == (json_int_t)run) {
            return entry;
        }
    }
    return NULL;
}

static jebm_status take_row(jebm_part *p, jebm_campaign *c, size_t cell, size_t run, uint64_t step,
                            jebm_error *err) {
    for (size_t i = 0; i < c->ncolumns; i++) {
        c->row[i] = p->values[i * jebm_csv_rows(p->csv) + p->row];
    }
    p->row++;
    return jebm_table_append(&c->table, cell, run, step, c->row, err);
}

/* The rows of a run, from step 0 to the last one, or to where it diverged, and its time. */
static jebm_status take_run(jebm_part *p, jebm_campaign *c, size_t cell, size_t run,
                            jebm_error *err) {
    uint64_t step = 0;
    bool ended = false;
    while (!ended && is_row(p, &c->cells[cell], run, step)) {
        JEBM_TRY(take_row(p, c, cell, run, step, err));
        ended = step == c->iterations;
        step = jebm_campaign_next_row(c, step);
    }
    json_t *diverged = find_entry(json_object_get(p->manifest, "diverged"), &c->cells[cell], run);
    if (!ended && diverged == NULL) {
        char expected[160];
        snprintf(expected, sizeof expected, "%s %s run %zu step %" PRIu64, c->cells[cell].method,
                 c->cells[cell].variant, run, step);
        return refuse_row(p, expected, err);
    }
    if (diverged != NULL && json_array_append(c->diverged, diverged) != 0) {
        return no_memory(err);
    }
    const json_t *timing = json_object_get(json_object_get(p->manifest, "timing"), "cells");
    const json_t *entry = find_entry(timing, &c->cells[cell], run);
    c->seconds[cell * c->runs + run] = json_number_value(json_object_get(entry, "seconds"));
    c->steps[cell * c->runs + run] = (uint64_t)json_integer_value(json_object_get(entry, "steps"));
    return JEBM_OK;
}

static jebm_status take_rows(jebm_merge *m, jebm_campaign *c, jebm_error *err) {
    for (size_t cell = 0; cell < c->ncells; cell++) {
        for (size_t i = 0; i < m->nparts; i++) {
            for (size_t run = m->parts[i].first; run < m->parts[i].end; run++) {
                JEBM_TRY(take_run(&m->parts[i], c, cell, run, err));
            }
        }
    }
    for (size_t i = 0; i < m->nparts; i++) {
        if (m->parts[i].row < jebm_csv_rows(m->parts[i].csv)) {
            return refuse_row(&m->parts[i], "the end of the file", err);
        }
    }
    return JEBM_OK;
}

/* The artefacts to copy; the digests of the parts' files are checked. */
static jebm_status take_artefacts(const jebm_merge *m, jebm_campaign *c, jebm_error *err) {
    c->copies = json_array();
    for (size_t i = 0; i < m->nparts; i++) {
        const jebm_part *p = &m->parts[i];
        const char *name;
        json_t *entry;
        json_object_foreach(json_object_get(p->manifest, "files"), name, entry) {
            if (jebm_is_artefact(name) && !jebm_artefact_left_out(p->directory, name) &&
                json_array_append_new(
                    c->copies, json_pack("{s:s, s:s}", "from", p->directory, "name", name)) != 0) {
                return no_memory(err);
            }
        }
    }
    return JEBM_OK;
}

/* When and where each part was computed; the campaign began with the first of them. */
static jebm_status take_origins(const jebm_merge *m, jebm_campaign *c, jebm_error *err) {
    c->merged_from = json_array();
    for (size_t i = 0; i < m->nparts; i++) {
        const jebm_part *p = &m->parts[i];
        const char *started = json_string_value(json_object_get(p->manifest, "started"));
        const double wall = json_number_value(
            json_object_get(json_object_get(p->manifest, "timing"), "wall_seconds"));
        json_t *entry =
            json_pack("{s:I, s:I, s:O, s:O?, s:f, s:O?, s:O?}", "from", (json_int_t)p->first + 1,
                      "to", (json_int_t)p->end, "files", json_object_get(p->manifest, "files"),
                      "environment", json_object_get(p->manifest, "environment"), "wall_seconds",
                      wall, "started", json_object_get(p->manifest, "started"), "finished",
                      json_object_get(p->manifest, "finished"));
        if (entry == NULL || json_array_append_new(c->merged_from, entry) != 0) {
            return no_memory(err);
        }
        c->earlier_seconds += wall;
        // UTC texts sort as their times do
        if (started != NULL && (c->started[0] == '\0' || strcmp(started, c->started) < 0)) {
            snprintf(c->started, sizeof c->started, "%.31s", started);
        }
    }
    return JEBM_OK;
}

jebm_status jebm_merge_read(jebm_merge *m, jebm_campaign *c, jebm_error *err) {
    JEBM_TRY(check_settings(m, c, err));
    JEBM_TRY(check_target(m, c, err));
    JEBM_TRY(check_ranges(m, c, err));
    for (size_t i = 0; i < m->nparts; i++) {
        JEBM_TRY(read_part(&m->parts[i], c, err));
    }
    JEBM_TRY(take_rows(m, c, err));
    JEBM_TRY(take_artefacts(m, c, err));
    JEBM_TRY(take_origins(m, c, err));
    warn_of_environments(m, c);
    // nothing is left to run
    c->cell = c->ncells;
    return JEBM_OK;
}
