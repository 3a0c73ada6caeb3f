/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "catalogue.h"

#include "app/manifest.h"
#include "app/share.h"
#include "html.h"
#include "judge.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* more than any figure needs; what is larger would make a page that no phone opens */
enum { DRAWING_BYTES = 8000000 };

static jebm_status no_memory(jebm_error *err) {
    return jebm_fail(err, JEBM_ENOMEM, "not enough memory to read the results");
}

/* One more element at the end of an array, zeroed; NULL when memory ran out. */
static void *grown(void *list, size_t *n, size_t size) {
    void **where = list;
    char *bytes = realloc(*where, (*n + 1) * size);
    if (bytes == NULL) {
        return NULL;
    }
    *where = bytes;
    return memset(bytes + (*n)++ * size, 0, size);
}

/* ---- directories ---- */

typedef struct names {
    char **list;
    size_t n;
} names;

static void names_free(names *all) {
    for (size_t i = 0; i < all->n; i++) {
        free(all->list[i]);
    }
    free(all->list);
}

static int by_name(const void *a, const void *b) {
    return jebm_name_order(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory that are no hidden ones, in order; none where there is no directory. */
static jebm_status list_directory(const char *path, names *all, jebm_error *err) {
    *all = (names){0};
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return errno == ENOENT || errno == ENOTDIR
                   ? JEBM_OK
                   : jebm_fail(err, JEBM_EIO, "%s: cannot be listed: %s", path, strerror(errno));
    }
    jebm_status status = JEBM_OK;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL && status == JEBM_OK;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char **name = grown(&all->list, &all->n, sizeof *all->list);
        if (name == NULL || (*name = strdup(entry->d_name)) == NULL) {
            all->n -= name != NULL;
            status = no_memory(err);
        }
    }
    closedir(directory);
    if (status == JEBM_OK && all->n > 0) {
        qsort(all->list, all->n, sizeof *all->list, by_name);
    }
    if (status != JEBM_OK) {
        names_free(all);
    }
    return status;
}

static bool is_file(const char *path, size_t *size) {
    struct stat what;
    if (stat(path, &what) != 0 || !S_ISREG(what.st_mode)) {
        return false;
    }
    if (size != NULL) {
        *size = (size_t)what.st_size;
    }
    return true;
}

/* ---- drawings ---- */

static void drawing_free(jebm_drawing *d) {
    free(d->name);
    free(d->file);
    free(d->bytes);
}

static unsigned big_endian(const unsigned char *b) {
    return (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3];
}

/* the number in NAME="..." of the first tag <svg> */
static unsigned svg_length(const char *tag, const char *end, const char *name) {
    const char *at = strstr(tag, name);
    return at != NULL && at < end ? (unsigned)strtoul(at + strlen(name), NULL, 10) : 0;
}

/* Is it what its ending says? Takes its size along. */
static bool recognise(jebm_drawing *d) {
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    if (strcmp(d->type, "image/png") == 0) {
        if (d->size < 33 || memcmp(d->bytes, png, sizeof png) != 0) {
            return false;
        }
        d->width = big_endian(d->bytes + 16);
        d->height = big_endian(d->bytes + 20);
        return true;
    }
    const char *text = (const char *)d->bytes, *tag = strstr(text, "<svg");
    const char *end = tag != NULL ? strchr(tag, '>') : NULL;
    if (end == NULL) {
        return false;
    }
    d->width = svg_length(tag, end, " width=\"");
    d->height = svg_length(tag, end, " height=\"");
    return true;
}

/* Read DIRECTORY/NAME.ENDING; *found is false where there is no such drawing. */
static jebm_status read_drawing(const char *results, const char *directory, const char *name,
                                const char *ending, jebm_drawing *d, bool *found, jebm_error *err) {
    *d = (jebm_drawing){.type = strcmp(ending, "png") == 0 ? "image/png" : "image/svg+xml"};
    *found = false;
    d->name = strdup(name);
    d->file = jebm_format("%s/%s.%s", directory, name, ending);
    char *path = jebm_format("%s/%s/%s.%s", results, directory, name, ending);
    jebm_status status = JEBM_OK;
    if (d->name == NULL || d->file == NULL || path == NULL) {
        status = no_memory(err);
    } else if (is_file(path, &d->size) && d->size <= DRAWING_BYTES) {
        FILE *in = fopen(path, "rb");
        d->bytes = calloc(d->size + 1, 1);
        if (in == NULL || d->bytes == NULL || fread(d->bytes, 1, d->size, in) != d->size) {
            status = jebm_fail(err, JEBM_EIO, "%s: cannot be read", path);
        }
        if (in != NULL) {
            fclose(in);
        }
        *found = status == JEBM_OK && recognise(d);
    }
    free(path);
    if (!*found) {
        drawing_free(d);
        *d = (jebm_drawing){0};
    }
    return status;
}

/* The better one of NAME.svg and NAME.png: lines stay sharp in an SVG, but thousands of them make
 * it larger than the picture. */
static jebm_status choose_drawing(const char *results, const char *directory, const char *name,
                                  jebm_drawing *chosen, bool *found, jebm_error *err) {
    JEBM_TRY(read_drawing(results, directory, name, "svg", chosen, found, err));
    if (*found && chosen->size <= JEBM_DRAWING_SVG_BYTES) {
        return JEBM_OK;
    }
    jebm_drawing png;
    bool has_png = false;
    const jebm_status status = read_drawing(results, directory, name, "png", &png, &has_png, err);
    if (has_png) {
        drawing_free(chosen);
        *chosen = png;
        *found = true;
    }
    return status;
}

/* Is it NAME.png or NAME.svg? Cuts the ending off; one of a pair counts, not both. */
static bool cut_ending(const names *all, size_t i) {
    char *dot = strrchr(all->list[i], '.');
    if (dot == NULL || dot == all->list[i] ||
        (strcmp(dot, ".png") != 0 && strcmp(dot, ".svg") != 0)) {
        return false;
    }
    *dot = '\0';
    for (size_t k = 0; k < i; k++) {
        if (strcmp(all->list[k], all->list[i]) == 0) {
            return false;
        }
    }
    return true;
}

static jebm_status read_drawings(const char *results, const char *directory, jebm_stored_run *run,
                                 jebm_error *err) {
    char *path = jebm_format("%s/%s", results, directory);
    if (path == NULL) {
        return no_memory(err);
    }
    names all;
    jebm_status status = list_directory(path, &all, err);
    free(path);
    JEBM_TRY(status);
    for (size_t i = 0; i < all.n && status == JEBM_OK; i++) {
        jebm_drawing drawing;
        bool found = false;
        if (cut_ending(&all, i)) {
            status = choose_drawing(results, directory, all.list[i], &drawing, &found, err);
        }
        if (!found) {
            continue;
        }
        jebm_drawing *place = grown(&run->drawings, &run->ndrawings, sizeof *place);
        if (place == NULL) {
            drawing_free(&drawing);
            status = no_memory(err);
            break;
        }
        *place = drawing;
        if (strcmp(drawing.name, run->figure) == 0) {
            *place = run->drawings[0];
            run->drawings[0] = drawing;
        }
    }
    names_free(&all);
    return status;
}

/* ---- runs ---- */

static void run_free(jebm_stored_run *run) {
    free(run->scale);
    free(run->fidelity);
    free(run->figure);
    json_decref(run->manifest);
    jebm_csv_free(run->summary);
    for (size_t i = 0; i < run->ndrawings; i++) {
        drawing_free(&run->drawings[i]);
    }
    free(run->drawings);
}

static jebm_status read_run(const char *results, const char *directory, jebm_stored_run *run,
                            jebm_error *err) {
    char *path = jebm_format("%s/%s", results, directory);
    char *csv = jebm_format("%s/%s/summary.csv", results, directory);
    jebm_status status = path == NULL || csv == NULL
                             ? no_memory(err)
                             : jebm_manifest_read(path, &run->manifest, err);
    if (status == JEBM_OK) {
        const char *fidelity = json_string_value(json_object_get(run->manifest, "fidelity"));
        run->other = fidelity == NULL || strcmp(fidelity, run->fidelity) != 0;
        const bool part = json_object_get(run->manifest, "part") != NULL;
        run->complete = json_is_true(json_object_get(run->manifest, "complete")) && !part;
        run->lack =
            part ? "it holds only a part of the runs: merge the parts" : "its run did not finish";
    }
    if (status == JEBM_OK && run->complete) {
        status = jebm_manifest_check_files(path, run->manifest, err);
    }
    if (status == JEBM_OK && run->complete) {
        status = jebm_csv_read(csv, &run->summary, err);
    }
    free(path);
    free(csv);
    return status == JEBM_OK ? read_drawings(results, directory, run, err) : status;
}

/* The run of the same figure and fidelity that a larger scale had, or a new place. */
static jebm_stored_run *place_of(jebm_catalogue *c, const char *fidelity, const char *figure) {
    for (size_t i = 0; i < c->nruns; i++) {
        if (strcmp(c->runs[i].fidelity, fidelity) == 0 && strcmp(c->runs[i].figure, figure) == 0) {
            return &c->runs[i];
        }
    }
    return grown(&c->runs, &c->nruns, sizeof *c->runs);
}

static jebm_status add_run(jebm_catalogue *c, const char *results, const char *scale,
                           const char *fidelity, const char *figure, jebm_error *err) {
    char *directory = jebm_format("%s/%s/%s", scale, fidelity, figure);
    char *manifest = directory ? jebm_format("%s/%s/manifest.json", results, directory) : NULL;
    jebm_status status = JEBM_OK;
    if (manifest == NULL) {
        status = no_memory(err);
    } else if (is_file(manifest, NULL)) {
        jebm_stored_run run = {
            .scale = strdup(scale), .fidelity = strdup(fidelity), .figure = strdup(figure)};
        jebm_stored_run *place = NULL;
        if (run.scale == NULL || run.fidelity == NULL || run.figure == NULL ||
            (place = place_of(c, fidelity, figure)) == NULL) {
            status = no_memory(err);
        } else if (!place->complete) {
            status = read_run(results, directory, &run, err);
        }
        // one that did not finish counts only where no smaller scale did
        if (status == JEBM_OK && (place->manifest == NULL || (run.complete && !place->complete))) {
            run_free(place);
            *place = run;
        } else {
            run_free(&run);
        }
    }
    free(directory);
    free(manifest);
    return status;
}

/* SCALE/FIDELITY/: its figures */
static jebm_status read_fidelity(jebm_catalogue *c, const char *results, const char *scale,
                                 const char *fidelity, jebm_error *err) {
    char *path = jebm_format("%s/%s/%s", results, scale, fidelity);
    if (path == NULL) {
        return no_memory(err);
    }
    names figures;
    jebm_status status = list_directory(path, &figures, err);
    free(path);
    JEBM_TRY(status);
    for (size_t i = 0; i < figures.n && status == JEBM_OK; i++) {
        status = add_run(c, results, scale, fidelity, figures.list[i], err);
    }
    names_free(&figures);
    return status;
}

static jebm_status add_loose(jebm_catalogue *c, const char *results, const char *scale,
                             const char *name, jebm_error *err) {
    for (size_t i = 0; i < c->nloose; i++) {
        if (strcmp(c->loose[i].drawing.name, name) == 0) {
            return JEBM_OK;
        }
    }
    jebm_drawing drawing;
    bool found;
    JEBM_TRY(choose_drawing(results, scale, name, &drawing, &found, err));
    if (found) {
        jebm_loose_drawing *place = grown(&c->loose, &c->nloose, sizeof *place);
        if (place == NULL) {
            drawing_free(&drawing);
            return no_memory(err);
        }
        *place = (jebm_loose_drawing){scale, drawing};
    }
    return JEBM_OK;
}

/* SCALE/: directories are fidelities, files are drawings */
static jebm_status read_scale(jebm_catalogue *c, const char *results, const char *scale,
                              jebm_error *err) {
    char *path = jebm_format("%s/%s", results, scale);
    if (path == NULL) {
        return no_memory(err);
    }
    names all;
    jebm_status status = list_directory(path, &all, err);
    free(path);
    JEBM_TRY(status);
    for (size_t i = 0; i < all.n && status == JEBM_OK; i++) {
        status = cut_ending(&all, i) ? add_loose(c, results, scale, all.list[i], err)
                                     : read_fidelity(c, results, scale, all.list[i], err);
    }
    names_free(&all);
    return status;
}

static int by_figure(const void *a, const void *b) {
    const jebm_stored_run *x = a, *y = b;
    const int figure = jebm_name_order(x->figure, y->figure);
    if (figure != 0) {
        return figure;
    }
    if (x->other != y->other) {
        return x->other ? 1 : -1;
    }
    // the text comes first, whatever the alphabet says
    const bool first = strcmp(x->fidelity, "paper") == 0,
               second = strcmp(y->fidelity, "paper") == 0;
    return first != second ? (first ? -1 : 1) : jebm_name_order(x->fidelity, y->fidelity);
}

static jebm_status read_all(jebm_catalogue *c, const char *results, const char *scale,
                            jebm_error *err) {
    for (size_t i = 0; i < sizeof jebm_scales / sizeof *jebm_scales; i++) {
        if (scale == NULL || strcmp(scale, jebm_scales[i]) == 0) {
            JEBM_TRY(read_scale(c, results, jebm_scales[i], err));
        }
    }
    if (c->nruns == 0) {
        return jebm_fail(err, JEBM_EINVAL,
                         "%s: found no %s/FIDELITY/FIGURE/manifest.json: run ./reproduce first, or "
                         "give the --results that it wrote",
                         results, scale != NULL ? scale : "SCALE");
    }
    qsort(c->runs, c->nruns, sizeof *c->runs, by_figure);
    for (size_t i = 0; i < c->nruns; i++) {
        const json_t *preset = json_object_get(c->runs[i].manifest, "preset");
        JEBM_TRY(jebm_catalogue_add_figure(
            c, c->runs[i].figure, json_string_value(json_object_get(preset, "title")), err));
    }
    return JEBM_OK;
}

jebm_status jebm_catalogue_read(const char *results, const char *scale, jebm_catalogue *catalogue,
                                jebm_error *err) {
    *catalogue = (jebm_catalogue){0};
    const jebm_status status = read_all(catalogue, results, scale, err);
    if (status != JEBM_OK) {
        jebm_catalogue_free(catalogue);
    }
    return status;
}

void jebm_catalogue_free(jebm_catalogue *c) {
    for (size_t i = 0; i < c->nruns; i++) {
        run_free(&c->runs[i]);
    }
    for (size_t i = 0; i < c->nloose; i++) {
        drawing_free(&c->loose[i].drawing);
    }
    for (size_t i = 0; i < c->nfigures; i++) {
        free(c->figures[i].name);
        free(c->figures[i].title);
        free(c->figures[i].departs);
    }
    free(c->runs);
    free(c->loose);
    free(c->figures);
    *c = (jebm_catalogue){0};
}

/* ---- figures ---- */

jebm_status jebm_catalogue_add_figure(jebm_catalogue *c, const char *name, const char *title,
                                      jebm_error *err) {
    size_t i = 0;
    while (i < c->nfigures && jebm_name_order(c->figures[i].name, name) < 0) {
        i++;
    }
    if (i == c->nfigures || strcmp(c->figures[i].name, name) != 0) {
        char *copy = strdup(name);
        if (copy == NULL || grown(&c->figures, &c->nfigures, sizeof *c->figures) == NULL) {
            free(copy);
            return no_memory(err);
        }
        memmove(&c->figures[i + 1], &c->figures[i], (c->nfigures - 1 - i) * sizeof *c->figures);
        c->figures[i] = (jebm_known_figure){.name = copy};
    }
    if (title != NULL && c->figures[i].title == NULL) {
        c->figures[i].title = strdup(title);
        return c->figures[i].title != NULL ? JEBM_OK : no_memory(err);
    }
    return JEBM_OK;
}

typedef struct preset_reader {
    jebm_catalogue *catalogue;
    jebm_status status;
    jebm_error *err;
} preset_reader;

/* in the section of a figure that is entered: its title stands first */
static jebm_status take_departures(const jebm_catalogue *c, const char *name, const char *keys,
                                   jebm_error *err) {
    for (size_t i = 0; i < c->nfigures; i++) {
        jebm_known_figure *f = &c->figures[i];
        if (strcmp(f->name, name) == 0 && f->departs == NULL) {
            f->departs = strdup(keys);
            return f->departs != NULL ? JEBM_OK : no_memory(err);
        }
    }
    return JEBM_OK;
}

/* every figure of a preset file has a title, and only in its plain section */
static int take_description(void *user, const char *section, const char *key, const char *value) {
    preset_reader *r = user;
    if (r->status != JEBM_OK || strpbrk(section, ":@") != NULL) {
        return 1;
    }
    if (strcmp(key, "title") == 0) {
        r->status = jebm_catalogue_add_figure(r->catalogue, section, value, r->err);
    } else if (strcmp(key, "departs") == 0) {
        r->status = take_departures(r->catalogue, section, value, r->err);
    }
    return 1;
}

jebm_status jebm_catalogue_add_presets(jebm_catalogue *c, jebm_error *err) {
    char *pattern;
    JEBM_TRY(jebm_share_path("*/*/presets/*.ini", &pattern, err));
    preset_reader reader = {.catalogue = c, .err = err};
    glob_t files = {0};
    if (glob(pattern, 0, NULL, &files) == 0) {
        for (size_t i = 0; i < files.gl_pathc && reader.status == JEBM_OK; i++) {
            ini_parse(files.gl_pathv[i], take_description, &reader);
        }
    }
    globfree(&files);
    free(pattern);
    return reader.status;
}
