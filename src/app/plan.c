/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/plan.h"

#include "app/campaign.h"
#include "app/manifest.h"

#include <stdlib.h>
#include <string.h>

static json_t *list_cells(const jebm_cell *cells, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "method", cells[i].method, "variant", cells[i].variant));
    }
    return list;
}

static json_t *list_columns(const jebm_driver *driver) {
    json_t *list = json_array();
    json_array_append_new(list, json_string("step"));
    for (size_t i = 0; i < driver->ncolumns; i++) {
        json_array_append_new(list, json_string(driver->columns[i]));
    }
    return list;
}

static json_t *list_steps(const jebm_preset *preset) {
    const jebm_campaign c = {.iterations = jebm_preset_count(preset, "iterations"),
                             .record_every = jebm_preset_count(preset, "record_every"),
                             .record_first = jebm_preset_count(preset, "record_first"),
                             .record_until = jebm_preset_count(preset, "record_until")};
    json_t *list = json_array();
    json_array_append_new(list, json_integer(0));
    for (uint64_t step = 0; step < c.iterations;) {
        step = jebm_campaign_next_row(&c, step);
        json_array_append_new(list, json_integer((json_int_t)step));
    }
    return list;
}

static jebm_status print_one(FILE *out, const jebm_driver *driver, const jebm_preset *preset,
                             jebm_error *err) {
    jebm_cell cells[JEBM_MAX_CELLS];
    size_t n;
    JEBM_TRY(driver->plan(preset, cells, &n, err));
    json_t *plan = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "program", driver->program,
                             "figure", jebm_preset_figure(preset), "scale",
                             jebm_preset_scale(preset), "fidelity", jebm_preset_fidelity(preset),
                             "preset", jebm_manifest_preset(preset), "cells", list_cells(cells, n),
                             "columns", list_columns(driver), "steps", list_steps(preset));
    char *text = plan != NULL ? json_dumps(plan, JSON_COMPACT) : NULL;
    json_decref(plan);
    if (text == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory for the plan of %s",
                         jebm_preset_figure(preset));
    }
    fprintf(out, "%s\n", text);
    free(text);
    return JEBM_OK;
}

/* The next word of a list, which moves on behind it; false at its end. */
static bool next_word(const char **list, char word[64]) {
    const char *at = *list + strspn(*list, " ");
    const size_t n = strcspn(at, " ");
    snprintf(word, 64, "%.*s", (int)n, at);
    *list = at + n;
    return n > 0;
}

static bool wanted(const char *asked, const char *word) {
    return asked == NULL || strcmp(asked, word) == 0;
}

/* Every scale and fidelity of a figure that the options ask for; counts them in *printed. */
static jebm_status print_figure(FILE *out, const jebm_driver *driver,
                                const jebm_preset_file *presets, const jebm_options *o,
                                const char *figure, size_t *printed, jebm_error *err) {
    jebm_preset_request request = {.figure = figure};
    jebm_preset *usual;
    JEBM_TRY(jebm_preset_resolve(presets, &request, &usual, err));
    jebm_status status = JEBM_OK;
    const char *scales = jebm_preset_text(usual, "scales");
    for (char s[64]; status == JEBM_OK && next_word(&scales, s);) {
        const char *fidelities = jebm_preset_text(usual, "fidelities");
        for (char f[64]; status == JEBM_OK && next_word(&fidelities, f);) {
            if (!wanted(o->scale, s) || !wanted(o->fidelity, f)) {
                continue;
            }
            jebm_preset *preset;
            request = (jebm_preset_request){figure, s, f, o->overrides, o->noverrides, o->seed};
            status = jebm_preset_resolve(presets, &request, &preset, err);
            if (status == JEBM_OK) {
                status = print_one(out, driver, preset, err);
                jebm_preset_free(preset);
                ++*printed;
            }
        }
    }
    jebm_preset_free(usual);
    return status;
}

jebm_status jebm_plan_print(FILE *out, const jebm_driver *driver, const jebm_preset_file *presets,
                            const jebm_options *o, jebm_error *err) {
    // a picture's name stands for the figure whose runs it shows; the resolver refuses another
    const char *only = o->figure != NULL ? jebm_preset_file_find(presets, o->figure) : NULL;
    only = only != NULL ? only : o->figure;
    size_t printed = 0;
    if (only != NULL) {
        JEBM_TRY(print_figure(out, driver, presets, o, only, &printed, err));
    }
    for (size_t i = 0; only == NULL && i < jebm_preset_file_nfigures(presets); i++) {
        JEBM_TRY(print_figure(out, driver, presets, o, jebm_preset_file_figure(presets, i),
                              &printed, err));
    }
    return printed > 0
               ? JEBM_OK
               : jebm_fail(err, JEBM_EINVAL,
                           "%s: found no scale '%s' with fidelity '%s'; --list shows what there is",
                           only != NULL ? only : "--plan", o->scale != NULL ? o->scale : "any",
                           o->fidelity != NULL ? o->fidelity : "any");
}
