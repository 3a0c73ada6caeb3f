/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/campaign.h"
#include "app/environment.h"
#include "app/figure.h"
#include "app/manifest.h"
#include "app/merge.h"
#include "app/nearest.h"
#include "app/plan.h"
#include "app/rundir.h"
#include "app/share.h"
#include "core/isa.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef _OPENMP
#include <omp.h>
#endif

typedef struct app {
    const jebm_driver *driver;
    jebm_options options;
    jebm_preset_file *presets;
    jebm_merge merge; /* of --merge; empty without */
    char task[JEBM_PROGRESS_TEXT]; /* what was run, in words */
    bool fresh; /* was it run now, and not complete before? */
} app;

static jebm_status no_memory(jebm_error *err) {
    return jebm_fail(err, JEBM_ENOMEM, "not enough memory");
}

static jebm_status resolve(const app *a, const char *figure, bool overridden, jebm_preset **preset,
                           jebm_error *err) {
    const jebm_preset_request request = {
        .figure = figure,
        .scale = a->options.scale,
        .fidelity = a->options.fidelity,
        .overrides = a->options.overrides,
        .noverrides = overridden ? a->options.noverrides : 0,
        .seed = a->options.seed,
    };
    return jebm_preset_resolve(a->presets, &request, preset, err);
}

/* ------------------------------------------------------------------------- list and describe */

/* words with commas between them, so that a line's fields are separated by blanks */
static void with_commas(const char *words, char text[64]) {
    snprintf(text, 64, "%s", words);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == ' ' ? ',' : *c;
    }
}

static jebm_status list_figures(const app *a, jebm_error *err) {
    size_t widest = 10;
    for (size_t i = 0; i < jebm_preset_file_nfigures(a->presets); i++) {
        const size_t width = strlen(jebm_preset_file_figure(a->presets, i));
        widest = width > widest ? width : widest;
    }
    for (size_t i = 0; i < jebm_preset_file_nfigures(a->presets); i++) {
        const jebm_preset_request request = {.figure = jebm_preset_file_figure(a->presets, i)};
        jebm_preset *p;
        JEBM_TRY(jebm_preset_resolve(a->presets, &request, &p, err));
        char scales[64], fidelities[64];
        with_commas(jebm_preset_text(p, "scales"), scales);
        with_commas(jebm_preset_text(p, "fidelities"), fidelities);
        const char *draws = jebm_preset_text(p, "draws");
        const bool others = strcmp(draws, "-") != 0;
        printf("%-*s %-25s %-10s  %s%s%s%s\n", (int)widest, request.figure, scales, fidelities,
               jebm_preset_text(p, "title"), others ? " (" : "", others ? draws : "",
               others ? ")" : "");
        jebm_preset_free(p);
    }
    return JEBM_OK;
}

static void describe(const jebm_preset *p) {
    printf("# %s at scale %s, fidelity %s\n", jebm_preset_figure(p), jebm_preset_scale(p),
           jebm_preset_fidelity(p));
    for (size_t i = 0; i < jebm_preset_nkeys(p); i++) {
        const jebm_key *key = jebm_preset_key(p, i);
        char expected[256];
        jebm_key_expected(key, expected, sizeof expected);
        printf("%s = %s\n    %s\n    %s\n", key->name, jebm_preset_text(p, key->name),
               key->help != NULL ? key->help : "", expected);
    }
}

/* ----------------------------------------------------------------------------------- results */

/* Draw every picture; the first one that was not drawn says what came of it. */
static jebm_status draw_pictures(const app *a, const jebm_preset *preset, const char *directory,
                                 char note[256], jebm_error *err) {
    char picture[JEBM_PICTURE_TEXT], outcome[256];
    jebm_status status = JEBM_OK;
    snprintf(note, 256, "drawn");
    for (size_t i = 0; jebm_preset_picture(preset, i, picture); i++) {
        bool warned = false;
        jebm_error why = {0};
        const jebm_status drawn = jebm_figure_draw(picture, directory, outcome, &warned, &why);
        if (warned) {
            fprintf(stderr, "%s: warning: %s %s\n", a->driver->program, picture, outcome);
        }
        if (strcmp(note, "drawn") == 0) {
            snprintf(note, 256, "%s", outcome);
        }
        if (status == JEBM_OK && drawn != JEBM_OK) {
            status = jebm_fail(err, drawn, "%s", why.text);
        }
    }
    return status;
}

/* Draw, unless it is a part, and note in the manifest what came of it. */
static jebm_status draw(const app *a, const jebm_preset *preset, const char *directory,
                        json_t *manifest, jebm_error *err) {
    char note[256] = "not drawn: --no-figure";
    jebm_status status = JEBM_OK;
    if (json_object_get(manifest, "part") != NULL) {
        snprintf(note, sizeof note, "not drawn: these are not all runs; --merge all parts");
    } else if (!a->options.no_figure) {
        status = draw_pictures(a, preset, directory, note, err);
    }
    const json_t *old = json_object_get(manifest, "drawing");
    if (!json_is_string(old) || strcmp(json_string_value(old), note) != 0) {
        jebm_error second;
        json_object_set_new(manifest, "drawing", json_string(note));
        const jebm_status written = jebm_manifest_write(directory, manifest, &second);
        if (status == JEBM_OK && written != JEBM_OK) {
            status = jebm_fail(err, written, "%s", second.text);
        }
    }
    return status;
}

static void say_results(const jebm_preset *preset, const char *directory, const json_t *manifest) {
    char picture[JEBM_PICTURE_TEXT];
    const json_t *timing = json_object_get(manifest, "timing");
    size_t first, end;
    const bool known = jebm_manifest_range(manifest, &first, &end);
    printf("%s: %zu cells x %zu runs, %.1f s of computing\n", jebm_preset_figure(preset),
           json_array_size(json_object_get(manifest, "cells")), known ? end - first : 0,
           json_real_value(json_object_get(timing, "wall_seconds")));
    const char *const names[] = {"trajectory.csv", "summary.csv", "manifest.json"};
    for (size_t i = 0; i < 3; i++) {
        printf("  %s/%s\n", directory, names[i]);
    }
    const char *drawing = json_string_value(json_object_get(manifest, "drawing"));
    const bool drawn = drawing != NULL && strcmp(drawing, "drawn") == 0;
    for (size_t i = 0; drawn && jebm_preset_picture(preset, i, picture); i++) {
        const char *const endings[] = {"png", "svg", "pdf"};
        for (size_t k = 0; k < 3; k++) {
            printf("  %s/%s.%s\n", directory, picture, endings[k]);
        }
    }
    if (json_object_get(manifest, "part") != NULL) {
        printf("  runs %zu to %zu of %lld: no figure is drawn of a part; --merge all parts\n",
               first + 1, end, (long long)json_integer_value(json_object_get(manifest, "runs")));
    }
}

/* The last line of a figure where a caller's heading asks for a short progress. On a terminal
 * nothing is left of the live line, so it says what it is about. */
static void say_outcome(const app *a, const json_t *manifest) {
    char took[32];
    const json_t *timing = json_object_get(manifest, "timing");
    const size_t ndiverged = json_array_size(json_object_get(manifest, "diverged"));
    const char *drawing = json_string_value(json_object_get(manifest, "drawing"));
    jebm_duration(json_real_value(json_object_get(timing, "wall_seconds")), took);
    if (isatty(STDERR_FILENO) != 0 || !a->fresh) {
        printf("%s: %s: ", a->options.heading, a->task);
    } else {
        fputs("  ", stdout);
    }
    fputs(a->fresh ? took : "complete already", stdout);
    if (ndiverged > 0) {
        printf(", %zu run%s diverged", ndiverged, ndiverged == 1 ? "" : "s");
    }
    if (drawing != NULL && strcmp(drawing, "drawn") != 0) {
        printf(", %s", drawing);
    }
    putchar('\n');
}

static jebm_status tell_divergence(const char *directory, const json_t *manifest, jebm_error *err) {
    const json_t *list = json_object_get(manifest, "diverged");
    const size_t n = json_array_size(list);
    if (n == 0) {
        return JEBM_OK;
    }
    char text[480] = "";
    size_t used = 0;
    for (size_t i = 0; i < n && i < 3; i++) {
        const json_t *d = json_array_get(list, i);
        const char *method = json_string_value(json_object_get(d, "method"));
        const char *variant = json_string_value(json_object_get(d, "variant"));
        const char *why = json_string_value(json_object_get(d, "why"));
        used += (size_t)snprintf(
            text + used, sizeof text - used, "%s%.31s %.31s run %lld at step %lld (%.70s)",
            i > 0 ? "; " : "", method != NULL ? method : "?", variant != NULL ? variant : "?",
            (long long)json_integer_value(json_object_get(d, "run")),
            (long long)json_integer_value(json_object_get(d, "step")), why != NULL ? why : "?");
    }
    return jebm_fail(err, JEBM_EDIVERGE, "%s: %zu run%s diverged: %s%s", directory, n,
                     n == 1 ? "" : "s", text, n > 3 ? "; the rest stands in manifest.json" : "");
}

/* --------------------------------------------------------------------------------- campaigns */

static jebm_status run_campaign(app *a, const jebm_preset *preset, const char *directory,
                                json_t **manifest, jebm_error *err) {
    jebm_campaign campaign;
    bool fresh = true;
    jebm_status status =
        jebm_campaign_init(&campaign, a->driver, &a->options, preset, directory, err);
    if (status == JEBM_OK && a->merge.nparts > 0) {
        status = jebm_merge_read(&a->merge, &campaign, err);
    }
    if (status == JEBM_OK) {
        status = jebm_campaign_run(&campaign, manifest, &fresh, err);
    }
    if (status == JEBM_OK) {
        jebm_campaign_task(&campaign, a->task);
        a->fresh = fresh;
        if (!fresh && a->options.heading == NULL) {
            printf("%s: already complete, nothing to do (use --force to run again)\n",
                   jebm_preset_figure(preset));
        }
        // still under the lock, so that nobody replaces what is being drawn
        status = draw(a, preset, directory, *manifest, err);
        if (a->options.heading == NULL) {
            say_results(preset, directory, *manifest);
        }
    }
    jebm_campaign_free(&campaign);
    return status;
}

/* directory/name -> ../figure/name, replacing a link that is there, but never a file. */
static jebm_status link_file(const char *directory, const char *figure, const char *name,
                             jebm_error *err) {
    char *target = jebm_format("../%s/%s", figure, name);
    char *path = jebm_format("%s/%s", directory, name);
    char *part = jebm_format("%s/%s.part", directory, name);
    jebm_status status = JEBM_OK;
    if (target == NULL || path == NULL || part == NULL) {
        status = no_memory(err);
    } else {
        unlink(part);
        if (symlink(target, part) != 0 || rename(part, path) != 0) {
            status = jebm_fail(err, JEBM_EIO, "%s: cannot be linked to %s: %s", path, target,
                               strerror(errno));
            unlink(part);
        }
    }
    free(target);
    free(path);
    free(part);
    return status;
}

/* Each of a run's files; those in a directory of their own by that directory. */
static jebm_status link_files(const char *directory, const char *figure, json_t *files,
                              jebm_error *err) {
    const char *name;
    json_t *entry;
    json_object_foreach(files, name, entry) {
        char first[256];
        snprintf(first, sizeof first, "%.*s", (int)strcspn(name, "/"), name);
        JEBM_TRY(link_file(directory, figure, first, err));
    }
    return JEBM_OK;
}

/* The directory of a figure without runs of its own must be new, or hold such a figure already. */
static jebm_status check_linked(const app *a, const char *directory, jebm_error *err) {
    bool has_manifest = false;
    JEBM_TRY(jebm_rundir_check_foreign(directory, &has_manifest, err));
    if (!has_manifest || a->options.force) {
        return JEBM_OK;
    }
    json_t *old;
    JEBM_TRY(jebm_manifest_read(directory, &old, err));
    const bool linked = json_is_string(json_object_get(old, "runs_of"));
    json_decref(old);
    return linked
               ? JEBM_OK
               : jebm_fail(err, JEBM_EINVAL,
                           "%s: holds runs of its own; give another --out, or --force to replace "
                           "them by links",
                           directory);
}

/* A figure that draws another's runs: a manifest and two links beside that other's directory. */
static jebm_status link_figure(const app *a, const jebm_preset *preset, const char *directory,
                               const json_t *source, jebm_error *err) {
    const char *figure = jebm_preset_figure(preset), *runs_of = jebm_preset_text(preset, "runs_of");
    int lock = -1;
    JEBM_TRY(jebm_rundir_make(directory, err));
    JEBM_TRY(jebm_rundir_lock(directory, &lock, err));
    jebm_status status = check_linked(a, directory, err);
    json_t *manifest = json_deep_copy(source);
    if (status == JEBM_OK && manifest == NULL) {
        status = no_memory(err);
    }
    if (status == JEBM_OK) {
        json_object_set_new(manifest, "figure", json_string(figure));
        json_object_set_new(manifest, "runs_of", json_string(runs_of));
        json_object_set_new(manifest, "preset", jebm_manifest_preset(preset));
        jebm_manifest_set_shows(manifest, preset);
        json_object_set_new(manifest, "drawing", json_string("not drawn yet"));
        status = link_files(directory, runs_of, json_object_get(source, "files"), err);
    }
    if (status == JEBM_OK) {
        status = jebm_manifest_write(directory, manifest, err);
    }
    if (status == JEBM_OK) {
        status = draw(a, preset, directory, manifest, err);
        if (a->options.heading == NULL) {
            say_results(preset, directory, manifest);
        } else if (status == JEBM_OK) {
            say_outcome(a, manifest);
        }
    }
    json_decref(manifest);
    close(lock);
    return status;
}

/* DIR/FIGURE, DIR as asked for or results/runs/SCALE/FIDELITY. */
static char *directory_of(const app *a, const jebm_preset *p, const char *figure) {
    if (a->options.out != NULL) {
        return jebm_format("%s/%s", a->options.out, figure);
    }
    return jebm_format("results/runs/%s/%s/%s", jebm_preset_scale(p), jebm_preset_fidelity(p),
                       figure);
}

static jebm_status run_figure(app *a, const jebm_preset *preset, jebm_error *err) {
    const char *figure = jebm_preset_figure(preset), *runs_of = jebm_preset_text(preset, "runs_of");
    const bool linked = strcmp(runs_of, "-") != 0;
    char *directory = directory_of(a, preset, figure);
    char *source = directory_of(a, preset, linked ? runs_of : figure);
    jebm_preset *other = NULL;
    json_t *manifest = NULL;
    jebm_status status = directory == NULL || source == NULL ? no_memory(err) : JEBM_OK;
    if (status == JEBM_OK && linked) {
        status = resolve(a, runs_of, true, &other, err);
    }
    if (status == JEBM_OK) {
        status = run_campaign(a, linked ? other : preset, source, &manifest, err);
    }
    // a part is not drawn, so there is nothing to link
    const bool drawn = linked && json_object_get(manifest, "part") == NULL;
    if (status == JEBM_OK && drawn) {
        status = link_figure(a, preset, directory, manifest, err);
    } else if (status == JEBM_OK && a->options.heading != NULL) {
        say_outcome(a, manifest);
    }
    if (status == JEBM_OK) {
        status = tell_divergence(drawn ? directory : source, manifest, err);
    }
    json_decref(manifest);
    jebm_preset_free(other);
    free(directory);
    free(source);
    return status;
}

/* ------------------------------------------------------------------------------ command line */

static jebm_status read_presets(app *a, jebm_error *err) {
    char *path;
    JEBM_TRY(jebm_share_path(a->driver->presets, &path, err));
    const jebm_status status =
        jebm_preset_file_read(path, a->driver->keys, a->driver->nkeys, &a->presets, err);
    free(path);
    return status;
}

/* Find the parts to merge and run on with what they were run with. A figure that draws another's
 * runs has that one's parts. */
static jebm_status take_parts(app *a, jebm_error *err) {
    const jebm_preset_request request = {.figure = a->options.figure};
    jebm_preset *plain;
    JEBM_TRY(jebm_preset_resolve(a->presets, &request, &plain, err));
    const char *runs_of = jebm_preset_text(plain, "runs_of");
    jebm_status status = jebm_merge_open(
        &a->merge, &a->options, strcmp(runs_of, "-") != 0 ? runs_of : a->options.figure, err);
    jebm_preset_free(plain);
    if (status == JEBM_OK) {
        status = jebm_merge_settings(&a->merge, &a->options, err);
    }
    return status;
}

static jebm_status act(app *a, jebm_error *err) {
    JEBM_TRY(jebm_isa_check(err));
#ifdef _OPENMP
    if (a->options.threads > 0) {
        omp_set_num_threads(a->options.threads);
    }
#endif
    JEBM_TRY(read_presets(a, err));
    if (a->options.list) {
        return list_figures(a, err);
    }
    if (a->options.plan) {
        return jebm_plan_print(stdout, a->driver, a->presets, &a->options, err);
    }
    // a picture's name stands for the figure whose runs it shows
    const char *figure = jebm_preset_file_find(a->presets, a->options.figure);
    a->options.figure = figure != NULL ? figure : a->options.figure;
    if (a->options.nparts > 0) {
        JEBM_TRY(take_parts(a, err));
    }
    jebm_preset *preset;
    JEBM_TRY(resolve(a, a->options.figure, true, &preset, err));
    jebm_status status = JEBM_OK;
    if (a->options.describe) {
        describe(preset);
    } else {
        status = run_figure(a, preset, err);
    }
    jebm_preset_free(preset);
    return status;
}

static int exit_status(jebm_status status) {
    return status == JEBM_EINTERRUPT && jebm_campaign_signal() != 0 ? 128 + jebm_campaign_signal()
                                                                    : jebm_status_exit(status);
}

int jebm_app_main(const jebm_driver *driver, int argc, char **argv) {
    app a = {.driver = driver};
    jebm_error err = {0};
    jebm_status status = jebm_options_parse(&a.options, argc, argv, &err);
    if (status == JEBM_OK) {
        if (a.options.help) {
            jebm_options_help(driver);
        } else if (a.options.version) {
            printf("%s %s\n", driver->program, JEBM_VERSION);
        } else {
            status = act(&a, &err);
        }
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (status == JEBM_OK) {
            status =
                jebm_fail(&err, JEBM_EIO, "standard output cannot be written: %s", strerror(errno));
        }
    }
    if (status != JEBM_OK) {
        fprintf(stderr, "%s: %s\n", driver->program, err.text);
    }
    jebm_preset_file_free(a.presets);
    jebm_merge_close(&a.merge);
    jebm_options_free(&a.options);
    return exit_status(status);
}
