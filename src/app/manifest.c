/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/manifest.h"

#include "app/environment.h"
#include "app/share.h"
#include "io/atomic_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA 1

static jebm_status no_memory(jebm_error *err) {
    return jebm_fail(err, JEBM_ENOMEM, "not enough memory for the manifest");
}

json_t *jebm_manifest_preset(const jebm_preset *preset) {
    json_t *object = json_object();
    for (size_t i = 0; i < jebm_preset_nkeys(preset); i++) {
        const char *name = jebm_preset_key(preset, i)->name;
        json_object_set_new(object, name, json_string(jebm_preset_text(preset, name)));
    }
    return object;
}

static json_t *list_overrides(const jebm_options *options) {
    json_t *list = json_array();
    for (size_t i = 0; i < options->noverrides; i++) {
        json_array_append_new(list, json_string(options->overrides[i]));
    }
    return list;
}

static json_t *list_cells(const jebm_campaign *c) {
    json_t *list = json_array();
    for (size_t i = 0; i < c->ncells; i++) {
        json_array_append_new(list, json_pack("{s:s, s:s}", "method", c->cells[i].method, "variant",
                                              c->cells[i].variant));
    }
    return list;
}

/* Time of each run, and of one walker in one step where the driver has walkers. */
static json_t *list_timing(const jebm_campaign *c) {
    json_t *list = json_array();
    double walkers = 0;
    for (size_t i = 0; i < c->driver->nkeys; i++) {
        const jebm_key *key = &c->driver->keys[i];
        if (strcmp(key->name, "walkers") == 0 && key->kind == JEBM_KEY_COUNT) {
            walkers = (double)jebm_preset_count(c->preset, "walkers");
        }
    }
    for (size_t i = 0; i < c->ncells * c->runs; i++) {
        const jebm_cell *cell = &c->cells[i / c->runs];
        const double ns = c->steps[i] > 0 ? 1e9 * c->seconds[i] / (double)c->steps[i] : 0;
        json_t *entry =
            json_pack("{s:s, s:s, s:I, s:f, s:I, s:f}", "method", cell->method, "variant",
                      cell->variant, "run", (json_int_t)(i % c->runs), "seconds", c->seconds[i],
                      "steps", (json_int_t)c->steps[i], "step_ns", ns);
        if (walkers > 0) {
            json_object_set_new(entry, "step_ns_per_walker", json_real(ns / walkers));
        }
        json_array_append_new(list, entry);
    }
    return json_pack("{s:f, s:o}", "wall_seconds", c->earlier_seconds + jebm_seconds() - c->began,
                     "cells", list);
}

static jebm_status count_rows(const char *path, json_int_t *rows, jebm_error *err) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return jebm_fail(err, JEBM_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    *rows = -1; // the header is none
    char buffer[16384];
    size_t got;
    while ((got = fread(buffer, 1, sizeof buffer, stream)) > 0) {
        for (size_t i = 0; i < got; i++) {
            *rows += buffer[i] == '\n';
        }
    }
    fclose(stream);
    return JEBM_OK;
}

static jebm_status add_file(const char *directory, const char *name, json_t *files,
                            jebm_error *err) {
    char digest[JEBM_DIGEST_TEXT];
    json_int_t rows = 0;
    char *path = jebm_format("%s/%s", directory, name);
    if (path == NULL) {
        return no_memory(err);
    }
    jebm_status status = jebm_digest_file(path, digest, err);
    if (status == JEBM_OK) {
        status = count_rows(path, &rows, err);
    }
    free(path);
    if (status == JEBM_OK &&
        json_object_set_new(files, name, json_pack("{s:s, s:I}", "sha256", digest, "rows", rows))) {
        status = no_memory(err);
    }
    return status;
}

jebm_status jebm_manifest_make(const jebm_campaign *c, bool complete, json_t **manifest,
                               jebm_error *err) {
    char now[32];
    jebm_utc(now);
    *manifest =
        json_pack("{s:i, s:s, s:s, s:s, s:n, s:s, s:s, s:s, s:I, s:I, s:b, s:o, s:o, s:o, s:{}, "
                  "s:o, s:o, s:s, "
                  "s:s?, s:O, s:s}",
                  "schema", SCHEMA, "program", c->driver->program, "version", JEBM_VERSION,
                  "figure", c->figure, "runs_of", "fingerprint", c->fingerprint, "scale",
                  jebm_preset_scale(c->preset), "fidelity", jebm_preset_fidelity(c->preset), "seed",
                  (json_int_t)jebm_preset_seed(c->preset), "runs", (json_int_t)c->runs, "complete",
                  (int)complete, "preset", jebm_manifest_preset(c->preset), "overrides",
                  list_overrides(c->options), "cells", list_cells(c), "files", "environment",
                  jebm_environment(), "timing", list_timing(c), "started", c->started, "finished",
                  complete ? now : NULL, "diverged", c->diverged, "drawing", "not drawn yet");
    if (*manifest == NULL) {
        return no_memory(err);
    }
    json_t *files = json_object_get(*manifest, "files");
    jebm_status status = JEBM_OK;
    if (complete) {
        status = add_file(c->directory, "trajectory.csv", files, err);
        if (status == JEBM_OK) {
            status = add_file(c->directory, "summary.csv", files, err);
        }
    }
    if (status != JEBM_OK) {
        json_decref(*manifest);
        *manifest = NULL;
    }
    return status;
}

jebm_status jebm_manifest_write(const char *directory, const json_t *manifest, jebm_error *err) {
    char *text = json_dumps(manifest, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    char *lines = text != NULL ? jebm_format("%s\n", text) : NULL;
    char *path = jebm_format("%s/manifest.json", directory);
    jebm_status status = JEBM_ENOMEM;
    if (lines == NULL || path == NULL) {
        no_memory(err);
    } else {
        status = jebm_atomic_write(path, lines, strlen(lines), err);
    }
    free(text);
    free(lines);
    free(path);
    return status;
}

static bool is_manifest(const json_t *m) {
    static const char *const texts[] = {"program", "version",  "figure",
                                        "scale",   "fidelity", "fingerprint"};
    bool ok = json_is_object(m) && json_integer_value(json_object_get(m, "schema")) == SCHEMA &&
              json_is_integer(json_object_get(m, "seed")) &&
              json_is_boolean(json_object_get(m, "complete")) &&
              json_is_object(json_object_get(m, "preset")) &&
              json_is_object(json_object_get(m, "files")) &&
              json_is_array(json_object_get(m, "diverged"));
    for (size_t i = 0; ok && i < sizeof texts / sizeof *texts; i++) {
        ok = json_is_string(json_object_get(m, texts[i]));
    }
    return ok;
}

jebm_status jebm_manifest_read(const char *directory, json_t **manifest, jebm_error *err) {
    *manifest = NULL;
    char *path = jebm_format("%s/manifest.json", directory);
    if (path == NULL) {
        return no_memory(err);
    }
    json_error_t where;
    json_t *found = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    jebm_status status = JEBM_OK;
    if (found == NULL) {
        status = jebm_fail(err, JEBM_EFORMAT,
                           "%s:%d: cannot be read: %.120s; --force replaces the whole run", path,
                           where.line, where.text);
    } else if (!is_manifest(found)) {
        status = jebm_fail(err, JEBM_EFORMAT,
                           "%s: is no manifest of schema %d; --force replaces the whole run", path,
                           SCHEMA);
        json_decref(found);
    } else {
        *manifest = found;
    }
    free(path);
    return status;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "nothing";
}

bool jebm_manifest_matches(const json_t *m, const jebm_campaign *c, char *difference, size_t size) {
    if (strcmp(text_of(m, "fingerprint"), c->fingerprint) == 0) {
        return true;
    }
    const char *const texts[][2] = {
        {"program", c->driver->program},
        {"version", JEBM_VERSION},
        {"figure", c->figure},
        {"scale", jebm_preset_scale(c->preset)},
        {"fidelity", jebm_preset_fidelity(c->preset)},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(text_of(m, texts[i][0]), texts[i][1]) != 0) {
            snprintf(difference, size, "%s: there %.80s, here %.80s", texts[i][0],
                     text_of(m, texts[i][0]), texts[i][1]);
            return false;
        }
    }
    const json_int_t seed = json_integer_value(json_object_get(m, "seed"));
    if (seed != (json_int_t)jebm_preset_seed(c->preset)) {
        snprintf(difference, size, "seed: there %lld, here %" PRIu64, (long long)seed,
                 jebm_preset_seed(c->preset));
        return false;
    }
    const json_t *preset = json_object_get(m, "preset");
    for (size_t i = 0; i < jebm_preset_nkeys(c->preset); i++) {
        const jebm_key *key = jebm_preset_key(c->preset, i);
        const char *here = jebm_preset_text(c->preset, key->name);
        if (jebm_key_decides(key) && strcmp(text_of(preset, key->name), here) != 0) {
            snprintf(difference, size, "%s: there %.80s, here %.80s", key->name,
                     text_of(preset, key->name), here);
            return false;
        }
    }
    snprintf(difference, size, "their fingerprints differ");
    return false;
}

jebm_status jebm_manifest_check_files(const char *directory, const json_t *manifest,
                                      jebm_error *err) {
    static const char *const names[] = {"trajectory.csv", "summary.csv"};
    const json_t *files = json_object_get(manifest, "files");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char digest[JEBM_DIGEST_TEXT];
        char *path = jebm_format("%s/%s", directory, names[i]);
        if (path == NULL) {
            return no_memory(err);
        }
        jebm_status status = jebm_digest_file(path, digest, err);
        if (status == JEBM_OK &&
            strcmp(text_of(json_object_get(files, names[i]), "sha256"), digest) != 0) {
            status = jebm_fail(err, JEBM_EFORMAT,
                               "%s: was changed after the run (its SHA-256 is not the one in "
                               "manifest.json); --force runs it again",
                               path);
        }
        free(path);
        JEBM_TRY(status);
    }
    return JEBM_OK;
}
