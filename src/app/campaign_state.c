/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/campaign.h"

#include "app/environment.h"
#include "app/share.h"
#include "core/isa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* position of a checkpoint: cell, run, step, and whether that run was in progress */
enum { AT_CELL, AT_RUN, AT_STEP, AT_OPEN, NPOSITION };
#define CAMPAIGN "campaign"
#define STATE "state"
#define MAX_LISTS 8

/* The campaign's own arrays as a checkpoint names them; returns how many. */
static size_t list_arrays(jebm_campaign *c, uint64_t position[NPOSITION], jebm_array a[MAX_LISTS]) {
    jebm_table *t = &c->table;
    const size_t n = c->ncells * c->runs;
    const jebm_array arrays[] = {
        {"position", JEBM_U64, 1, {NPOSITION}, position},
        {"seconds", JEBM_F64, 1, {n}, c->seconds},
        {"steps", JEBM_U64, 1, {n}, c->steps},
        {"wall", JEBM_F64, 1, {1}, &c->earlier_seconds},
        {"label", JEBM_U64, 1, {t->rows}, t->label},
        {"run", JEBM_U64, 1, {t->rows}, t->run},
        {"step", JEBM_U64, 1, {t->rows}, t->step},
        {"values", JEBM_F64, 2, {t->rows, t->ncolumns}, t->values},
    };
    memcpy(a, arrays, sizeof arrays);
    return sizeof arrays / sizeof *arrays;
}
#define FIRST_ROW_LIST 4

/* What a checkpoint belongs to: the settings, and which runs where that is not all. */
#define STAMP_TEXT (JEBM_DIGEST_TEXT + 64)
static void write_stamp(const jebm_campaign *c, char stamp[STAMP_TEXT]) {
    char part[64] = "";
    if (jebm_campaign_is_part(c)) {
        snprintf(part, sizeof part, " runs %zu-%zu", c->first + 1, c->end);
    }
    snprintf(stamp, STAMP_TEXT, "%s%s", c->fingerprint, part);
}

static jebm_status put_texts(jebm_campaign *c, jebm_checkpoint *out, jebm_error *err) {
    char stamp[STAMP_TEXT];
    write_stamp(c, stamp);
    char *diverged = json_dumps(c->diverged, JSON_COMPACT);
    if (diverged == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory for a checkpoint");
    }
    jebm_status status = jebm_checkpoint_put_text(out, "diverged", diverged, err);
    free(diverged);
    if (status == JEBM_OK) {
        status = jebm_checkpoint_put_text(out, "fingerprint", stamp, err);
    }
    if (status == JEBM_OK) {
        status = jebm_checkpoint_put_text(out, "started", c->started, err);
    }
    if (status == JEBM_OK) {
        status = jebm_checkpoint_put_text(out, "isa", jebm_isa_name(), err);
    }
    return status;
}

static jebm_status put_all(jebm_campaign *c, jebm_checkpoint *out, jebm_error *err) {
    uint64_t position[NPOSITION] = {c->cell, c->run, c->step, c->state != NULL};
    jebm_array arrays[JEBM_MAX_STATE > MAX_LISTS ? JEBM_MAX_STATE : MAX_LISTS];
    JEBM_TRY(put_texts(c, out, err));
    size_t n = list_arrays(c, position, arrays);
    for (size_t i = 0; i < n; i++) {
        JEBM_TRY(jebm_checkpoint_put(out, CAMPAIGN, &arrays[i], err));
    }
    n = c->state != NULL ? c->driver->arrays(c->state, arrays) : 0;
    for (size_t i = 0; i < n; i++) {
        JEBM_TRY(jebm_checkpoint_put(out, STATE, &arrays[i], err));
    }
    return JEBM_OK;
}

jebm_status jebm_campaign_save(jebm_campaign *c, jebm_error *err) {
    char *path = jebm_format("%s/checkpoint.h5", c->directory);
    jebm_checkpoint *out = NULL;
    if (path == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory for a checkpoint");
    }
    // time spent so far counts from here for whoever goes on, this process included
    const double now = jebm_seconds();
    c->earlier_seconds += now - c->began;
    c->began = now;
    jebm_status status = jebm_checkpoint_create(path, &out, err);
    free(path);
    if (status == JEBM_OK) {
        status = put_all(c, out, err);
        if (status == JEBM_OK) {
            status = jebm_checkpoint_commit(out, err);
        } else {
            jebm_checkpoint_close(out);
        }
    }
    c->saved = jebm_seconds();
    return status;
}

static jebm_status get_text(jebm_campaign *c, const char *name, char *text, size_t size,
                            jebm_error *err) {
    char *found = NULL;
    JEBM_TRY(jebm_checkpoint_get_text(c->loaded, name, &found, err));
    snprintf(text, size, "%s", found);
    free(found);
    return JEBM_OK;
}

static jebm_status get_texts(jebm_campaign *c, const char *path, jebm_error *err) {
    char text[STAMP_TEXT], stamp[STAMP_TEXT], *diverged = NULL;
    write_stamp(c, stamp);
    JEBM_TRY(get_text(c, "fingerprint", text, sizeof text, err));
    if (strcmp(text, stamp) != 0) {
        return jebm_fail(err, JEBM_EMISMATCH,
                         "%s: belongs to other runs or settings; remove it, or use --force to "
                         "start anew",
                         path);
    }
    JEBM_TRY(get_text(c, "isa", text, sizeof text, err));
    if (strcmp(text, jebm_isa_name()) != 0) {
        fprintf(stderr,
                "%s: warning: the checkpoint was written with %s kernels, this process has %s: the "
                "CSVs will agree with an uninterrupted run's to rounding only\n",
                c->driver->program, text, jebm_isa_name());
    }
    JEBM_TRY(get_text(c, "started", c->started, sizeof c->started, err));
    JEBM_TRY(jebm_checkpoint_get_text(c->loaded, "diverged", &diverged, err));
    json_t *list = json_loads(diverged, 0, NULL);
    free(diverged);
    if (!json_is_array(list)) {
        json_decref(list);
        return jebm_fail(err, JEBM_EFORMAT, "%s: its list of diverged runs cannot be read", path);
    }
    json_decref(c->diverged);
    c->diverged = list;
    return JEBM_OK;
}

/* Rows of the checkpoint's table into ours, which is empty. */
static jebm_status get_rows(jebm_campaign *c, jebm_error *err) {
    uint64_t position[NPOSITION];
    jebm_array lists[MAX_LISTS];
    jebm_array shape = {.name = "label"};
    JEBM_TRY(jebm_checkpoint_shape(c->loaded, CAMPAIGN, &shape, err));
    const size_t rows = shape.rank == 1 ? shape.shape[0] : 0;
    jebm_table read = {.ncolumns = c->table.ncolumns, .rows = rows};
    read.label = calloc(rows + 1, sizeof *read.label);
    read.run = calloc(rows + 1, sizeof *read.run);
    read.step = calloc(rows + 1, sizeof *read.step);
    read.values = calloc(rows + 1, (read.ncolumns + 1) * sizeof *read.values);
    jebm_status status = JEBM_OK;
    if (read.label == NULL || read.run == NULL || read.step == NULL || read.values == NULL) {
        status = jebm_fail(err, JEBM_ENOMEM, "not enough memory for the %zu rows so far", rows);
    }
    const jebm_table own = c->table;
    c->table = read;
    const size_t n = list_arrays(c, position, lists);
    c->table = own;
    for (size_t i = FIRST_ROW_LIST; i < n && status == JEBM_OK; i++) {
        status = jebm_checkpoint_get(c->loaded, CAMPAIGN, &lists[i], err);
    }
    for (size_t i = 0; i < rows && status == JEBM_OK; i++) {
        status = jebm_table_append(&c->table, read.label[i], read.run[i], read.step[i],
                                   read.values + i * read.ncolumns, err);
    }
    free(read.label);
    free(read.run);
    free(read.step);
    free(read.values);
    return status;
}

static jebm_status get_position(jebm_campaign *c, const char *path, jebm_error *err) {
    uint64_t position[NPOSITION] = {0};
    jebm_array lists[MAX_LISTS];
    list_arrays(c, position, lists);
    for (size_t i = 0; i < FIRST_ROW_LIST; i++) {
        JEBM_TRY(jebm_checkpoint_get(c->loaded, CAMPAIGN, &lists[i], err));
    }
    // a run that ended by diverging may be the last of its cell: the next one is then one beyond
    if (position[AT_CELL] >= c->ncells || position[AT_RUN] < c->first ||
        position[AT_RUN] + position[AT_OPEN] > c->end || position[AT_STEP] > c->iterations) {
        return jebm_fail(err, JEBM_EFORMAT, "%s: its position lies outside the campaign", path);
    }
    c->cell = (size_t)position[AT_CELL];
    c->run = (size_t)position[AT_RUN];
    c->step = position[AT_STEP];
    if (position[AT_OPEN] == 0) {
        jebm_checkpoint_close(c->loaded);
        c->loaded = NULL;
    }
    return JEBM_OK;
}

jebm_status jebm_campaign_load(jebm_campaign *c, bool *from_start, jebm_error *err) {
    char *path = jebm_format("%s/checkpoint.h5", c->directory);
    if (path == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory for a checkpoint");
    }
    jebm_status status = JEBM_OK;
    *from_start = access(path, F_OK) != 0 && errno == ENOENT;
    if (!*from_start) {
        status = jebm_checkpoint_open(path, &c->loaded, err);
        if (status == JEBM_OK) {
            status = get_texts(c, path, err);
        }
        if (status == JEBM_OK) {
            status = get_rows(c, err);
        }
        if (status == JEBM_OK) {
            status = get_position(c, path, err);
        }
    }
    free(path);
    return status;
}

jebm_status jebm_campaign_restore(jebm_campaign *c, jebm_error *err) {
    jebm_array arrays[JEBM_MAX_STATE];
    const size_t n = c->driver->arrays(c->state, arrays);
    for (size_t i = 0; i < n; i++) {
        JEBM_TRY(jebm_checkpoint_get(c->loaded, STATE, &arrays[i], err));
    }
    jebm_checkpoint_close(c->loaded);
    c->loaded = NULL;
    return c->driver->restored(c->state, err);
}
