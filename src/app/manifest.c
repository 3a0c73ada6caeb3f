/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/manifest.h"

#include "app/artefacts.h"
#include "app/environment.h"
#include "app/packed.h"
#include "app/share.h"
#include "io/atomic_file.h"
#include "io/content.h"

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
        if (i % c->runs < c->first || i % c->runs >= c->end) {
            continue;
        }
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

/* SHA-256 of a file, and the rows of a CSV */
static jebm_status add_file(const char *directory, const char *name, json_t *files,
                            jebm_error *err) {
    char digest[JEBM_DIGEST_TEXT];
    json_int_t rows = 0;
    const size_t length = strlen(name);
    const bool csv = length > 4 && strcmp(name + length - 4, ".csv") == 0;
    char *path = jebm_format("%s/%s", directory, name);
    if (path == NULL) {
        return no_memory(err);
    }
    jebm_status status = jebm_digest_file(path, digest, err);
    if (status == JEBM_OK && csv) {
        status = count_rows(path, &rows, err);
    }
    free(path);
    JEBM_TRY(status);
    json_t *entry = csv ? json_pack("{s:s, s:I}", "sha256", digest, "rows", rows)
                        : json_pack("{s:s}", "sha256", digest);
    return json_object_set_new(files, name, entry) == 0 ? JEBM_OK : no_memory(err);
}

static jebm_status add_files(const char *directory, json_t *files, jebm_error *err) {
    json_t *names, *name;
    size_t i;
    JEBM_TRY(add_file(directory, "trajectory.csv", files, err));
    JEBM_TRY(add_file(directory, "summary.csv", files, err));
    JEBM_TRY(jebm_artefacts_list(directory, &names, err));
    jebm_status status = JEBM_OK;
    json_array_foreach(names, i, name) {
        if (status == JEBM_OK) {
            status = add_file(directory, json_string_value(name), files, err);
        }
    }
    json_decref(names);
    return status;
}

/* What only a part or a merge has. */
static jebm_status add_split(const jebm_campaign *c, bool done, json_t *manifest, jebm_error *err) {
    int failed = 0;
    if (jebm_campaign_is_part(c)) {
        failed |= json_object_set_new(manifest, "part",
                                      json_pack("{s:I, s:I, s:b}", "from", (json_int_t)c->first + 1,
                                                "to", (json_int_t)c->end, "complete", (int)done));
    }
    if (c->merged_from != NULL) {
        failed |= json_object_set(manifest, "merged_from", c->merged_from);
    }
    return failed ? no_memory(err) : JEBM_OK;
}

void jebm_manifest_set_shows(json_t *manifest, const jebm_preset *preset) {
    const char *answer;
    const bool machinery = jebm_preset_machinery(preset, &answer);
    json_object_set_new(manifest, "shows", json_string(machinery ? "machinery" : "results"));
    json_object_set_new(manifest, "answered_by", json_string(machinery ? answer : ""));
}

jebm_status jebm_manifest_make(const jebm_campaign *c, bool done, json_t **manifest,
                               jebm_error *err) {
    char now[32];
    jebm_utc(now);
    *manifest = json_pack(
        "{s:i, s:s, s:s, s:s, s:n, s:s, s:s, s:s, s:I, s:I, s:b, s:o, s:o, s:o, s:{}, "
        "s:o, s:o, s:s, "
        "s:s?, s:O, s:s}",
        "schema", SCHEMA, "program", c->driver->program, "version", JEBM_VERSION, "figure",
        c->figure, "runs_of", "fingerprint", c->fingerprint, "scale", jebm_preset_scale(c->preset),
        "fidelity", jebm_preset_fidelity(c->preset), "seed",
        (json_int_t)jebm_preset_seed(c->preset), "runs", (json_int_t)c->runs, "complete",
        done && !jebm_campaign_is_part(c), "preset", jebm_manifest_preset(c->preset), "overrides",
        list_overrides(c->options), "cells", list_cells(c), "files", "environment",
        jebm_environment(), "timing", list_timing(c), "started", c->started, "finished",
        done ? now : NULL, "diverged", c->diverged, "drawing", "not drawn yet");
    if (*manifest == NULL) {
        return no_memory(err);
    }
    jebm_manifest_set_shows(*manifest, c->preset);
    jebm_status status = add_split(c, done, *manifest, err);
    if (status == JEBM_OK && c->inputs != NULL &&
        json_object_set(*manifest, "inputs", c->inputs) != 0) {
        status = no_memory(err);
    }
    if (status == JEBM_OK && done) {
        status = add_files(c->directory, json_object_get(*manifest, "files"), err);
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
        status =
            jebm_fail(err, JEBM_EFORMAT,
                      "%s:%d: cannot be read: %.120s; the driver's --force replaces the whole run",
                      path, where.line, where.text);
    } else if (!is_manifest(found)) {
        status = jebm_fail(
            err, JEBM_EFORMAT,
            "%s: is no manifest of schema %d; the driver's --force replaces the whole run", path,
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

static bool differ(jebm_difference *difference, const char *key, const char *there,
                   const char *here) {
    snprintf(difference->key, sizeof difference->key, "%.63s", key);
    snprintf(difference->there, sizeof difference->there, "%.80s", there);
    snprintf(difference->here, sizeof difference->here, "%.80s", here);
    return false;
}

static bool same_inputs(const json_t *there, json_t *here, jebm_difference *d) {
    const char *name;
    json_t *value;
    json_object_foreach(here, name, value) {
        if (json_is_string(value) && strcmp(text_of(there, name), json_string_value(value)) != 0) {
            return differ(d, name, text_of(there, name), json_string_value(value));
        }
    }
    return true;
}

bool jebm_manifest_same_settings(const json_t *m, const jebm_campaign *c, jebm_difference *d) {
    if (strcmp(text_of(m, "fingerprint"), c->fingerprint) == 0) {
        return true;
    }
    char seed[2][32];
    const char *const texts[][2] = {
        {"program", c->driver->program},
        {"version", JEBM_VERSION},
        {"figure", c->figure},
        {"scale", jebm_preset_scale(c->preset)},
        {"fidelity", jebm_preset_fidelity(c->preset)},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(text_of(m, texts[i][0]), texts[i][1]) != 0) {
            return differ(d, texts[i][0], text_of(m, texts[i][0]), texts[i][1]);
        }
    }
    snprintf(seed[0], sizeof seed[0], "%lld",
             (long long)json_integer_value(json_object_get(m, "seed")));
    snprintf(seed[1], sizeof seed[1], "%" PRIu64, jebm_preset_seed(c->preset));
    if (strcmp(seed[0], seed[1]) != 0) {
        return differ(d, "seed", seed[0], seed[1]);
    }
    const json_t *preset = json_object_get(m, "preset");
    for (size_t i = 0; i < jebm_preset_nkeys(c->preset); i++) {
        const jebm_key *key = jebm_preset_key(c->preset, i);
        const char *here = jebm_preset_text(c->preset, key->name);
        if (jebm_key_decides(key) && strcmp(text_of(preset, key->name), here) != 0) {
            return differ(d, key->name, text_of(preset, key->name), here);
        }
    }
    if (!same_inputs(json_object_get(m, "inputs"), c->inputs, d)) {
        return false;
    }
    return differ(d, "fingerprint", text_of(m, "fingerprint"), c->fingerprint);
}

bool jebm_manifest_range(const json_t *m, size_t *first, size_t *end) {
    const json_t *part = json_object_get(m, "part");
    const json_int_t runs = json_integer_value(json_object_get(m, "runs"));
    const json_int_t from = part != NULL ? json_integer_value(json_object_get(part, "from")) : 1;
    const json_int_t to = part != NULL ? json_integer_value(json_object_get(part, "to")) : runs;
    *first = (size_t)from - 1;
    *end = (size_t)to;
    return from >= 1 && from <= to && to <= runs;
}

bool jebm_manifest_complete(const json_t *m) {
    const json_t *part = json_object_get(m, "part");
    return json_is_true(json_object_get(part != NULL ? part : m, "complete"));
}

bool jebm_manifest_matches(const json_t *m, const jebm_campaign *c, jebm_difference *d) {
    if (!jebm_manifest_same_settings(m, c, d)) {
        return false;
    }
    size_t first, end;
    if (jebm_manifest_range(m, &first, &end) && first == c->first && end == c->end) {
        return true;
    }
    char there[64], here[64];
    snprintf(there, sizeof there, "runs %zu to %zu", first + 1, end);
    snprintf(here, sizeof here, "runs %zu to %zu", c->first + 1, c->end);
    return differ(d, "part", there, here);
}

static jebm_status check_file(const char *directory, const json_t *files, const char *name,
                              jebm_error *err) {
    char digest[JEBM_DIGEST_TEXT];
    char *path = jebm_format("%s/%s", directory, name);
    if (path == NULL) {
        return no_memory(err);
    }
    jebm_status status = jebm_content_digest(path, digest, err);
    if (status == JEBM_OK && strcmp(text_of(json_object_get(files, name), "sha256"), digest) != 0) {
        status = jebm_fail(err, JEBM_EFORMAT,
                           "%s: was changed after the run (its SHA-256 is not the one in "
                           "manifest.json); the driver's --force runs it again",
                           path);
    }
    free(path);
    return status;
}

/* Where the directory is packed, the summary is what the trajectory gives. */
static jebm_status check_summary(const char *directory, const json_t *manifest, jebm_error *err) {
    if (!jebm_packed(directory)) {
        return check_file(directory, json_object_get(manifest, "files"), "summary.csv", err);
    }
    char *text;
    size_t size;
    const jebm_status status = jebm_packed_summary(directory, manifest, &text, &size, err);
    free(text);
    return status;
}

jebm_status jebm_manifest_check_files(const char *directory, const json_t *manifest,
                                      jebm_error *err) {
    json_t *files = json_object_get(manifest, "files");
    JEBM_TRY(check_file(directory, files, "trajectory.csv", err));
    JEBM_TRY(check_summary(directory, manifest, err));
    const char *name;
    json_t *entry;
    json_object_foreach(files, name, entry) {
        if (jebm_is_artefact(name) && !jebm_artefact_left_out(directory, name)) {
            JEBM_TRY(check_file(directory, files, name, err));
        }
    }
    return JEBM_OK;
}
