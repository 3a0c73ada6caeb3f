/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "catalogue.h"

#include "app/manifest.h"
#include "app/packed.h"
#include "app/preset.h"
#include "app/share.h"
#include "html.h"
#include "judge.h"
#include "tree.h"

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

/* Is there RESULTS/DIRECTORY/NAME+ENDING? Not where memory ran out. */
static bool has_file(const char *results, const char *directory, const char *name,
                     const char *ending) {
    char *path = jebm_format("%s/%s/%s%s", results, directory, name, ending);
    const bool found = path != NULL && is_file(path, NULL);
    free(path);
    return found;
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
    jebm_status status = JEBM_OK;
    if (!*found || chosen->size > JEBM_DRAWING_SVG_BYTES) {
        jebm_drawing png;
        bool has_png = false;
        status = read_drawing(results, directory, name, "png", &png, &has_png, err);
        if (has_png) {
            drawing_free(chosen);
            *chosen = png;
            *found = true;
        }
    }
    if (*found) {
        chosen->png = has_file(results, directory, name, ".png");
        chosen->svg = has_file(results, directory, name, ".svg");
        chosen->pdf = has_file(results, directory, name, ".pdf");
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
    free(run->directory);
    json_decref(run->manifest);
    jebm_csv_free(run->summary);
    for (size_t i = 0; i < run->ndrawings; i++) {
        drawing_free(&run->drawings[i]);
    }
    free(run->drawings);
}

/* summary.csv, or, where the run is packed, what its trajectory gives */
static jebm_status read_summary(const char *directory, jebm_stored_run *run, jebm_error *err) {
    char *path = jebm_format("%s/summary.csv", directory), *text;
    size_t size;
    if (path == NULL) {
        return no_memory(err);
    }
    jebm_status status;
    if (!jebm_packed(directory)) {
        status = jebm_csv_read(path, &run->summary, err);
    } else {
        status = jebm_packed_summary(directory, run->manifest, &text, &size, err);
        if (status == JEBM_OK) {
            status = jebm_csv_parse(path, text, size, &run->summary, err);
        }
    }
    free(path);
    return status;
}

static void find_files(const char *results, jebm_stored_run *run) {
    static const char *const files[JEBM_NRUN_FILES] = JEBM_RUN_FILES;
    for (size_t i = 0; i < JEBM_NRUN_FILES; i++) {
        if (has_file(results, run->directory, files[i], "")) {
            run->files[run->nfiles++] = files[i];
        }
    }
}

static jebm_status read_run(const char *results, const char *directory, jebm_stored_run *run,
                            jebm_error *err) {
    run->directory = strdup(directory);
    if (run->directory == NULL) {
        return no_memory(err);
    }
    find_files(results, run);
    char *path = jebm_format("%s/%s", results, directory);
    jebm_status status =
        path == NULL ? no_memory(err) : jebm_manifest_read(path, &run->manifest, err);
    if (status == JEBM_OK) {
        const bool part = json_object_get(run->manifest, "part") != NULL;
        run->complete = json_is_true(json_object_get(run->manifest, "complete")) && !part;
        run->lack =
            part ? "it holds only a part of the runs: merge the parts" : "its run did not finish";
    }
    if (status == JEBM_OK && run->complete) {
        status = jebm_manifest_check_files(path, run->manifest, err);
    }
    if (status == JEBM_OK && run->complete) {
        status = read_summary(path, run, err);
    }
    free(path);
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

/* How a run is told from the others of its figure: the fidelity, or, where no claim is judged by
 * it, the directory that holds it. NULL when memory ran out. */
static char *label_of(const jebm_found *f) {
    const char *slash = strrchr(f->path, '/');
    if (f->chosen || slash == NULL) {
        return strdup(f->chosen ? f->fidelity : f->path);
    }
    const size_t n = strlen(f->scale);
    const bool below_scale = strncmp(f->path, f->scale, n) == 0 && f->path[n] == '/';
    const char *start = below_scale && f->path + n < slash ? f->path + n + 1 : f->path;
    return jebm_format("%.*s", (int)(slash - start), start);
}

static jebm_status add_run(jebm_catalogue *c, const char *results, const jebm_found *f,
                           jebm_error *err) {
    jebm_stored_run run = {.scale = strdup(f->scale),
                           .fidelity = label_of(f),
                           .figure = strdup(f->figure),
                           .other = !f->chosen};
    jebm_stored_run *place = NULL;
    jebm_status status = JEBM_OK;
    if (run.scale == NULL || run.fidelity == NULL || run.figure == NULL ||
        (place = place_of(c, run.fidelity, run.figure)) == NULL) {
        status = no_memory(err);
    } else if (!place->complete) {
        status = read_run(results, f->path, &run, err);
    }
    // one that did not finish counts only where no smaller scale did
    if (status == JEBM_OK && (place->manifest == NULL || (run.complete && !place->complete))) {
        run_free(place);
        *place = run;
    } else {
        run_free(&run);
    }
    return status;
}

/* The runs of one scale; a copy of the one by which claims are judged is passed over. */
static jebm_status add_runs(jebm_catalogue *c, const char *results, const jebm_tree *tree,
                            const char *scale, jebm_error *err) {
    for (size_t i = 0; i < tree->n; i++) {
        const jebm_found *f = &tree->list[i];
        const jebm_found *judged = jebm_tree_find(tree, f->scale, f->fidelity, f->figure);
        if (strcmp(f->scale, scale) == 0 && (f->chosen || f->overridden || judged == NULL ||
                                             strcmp(f->sha256, judged->sha256) != 0)) {
            JEBM_TRY(add_run(c, results, f, err));
        }
    }
    return JEBM_OK;
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

/* SCALE/: its drawings */
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
        if (cut_ending(&all, i)) {
            status = add_loose(c, results, scale, all.list[i], err);
        }
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
    jebm_tree tree;
    JEBM_TRY(jebm_tree_walk(results, &tree, err));
    jebm_status status = jebm_tree_expect(&tree, results, scale, err);
    for (size_t i = JEBM_NSCALES; i-- > 0 && status == JEBM_OK;) {
        if (scale == NULL || strcmp(scale, jebm_scales[i]) == 0) {
            status = add_runs(c, results, &tree, jebm_scales[i], err);
        }
        if (status == JEBM_OK && (scale == NULL || strcmp(scale, jebm_scales[i]) == 0)) {
            status = read_scale(c, results, jebm_scales[i], err);
        }
    }
    jebm_tree_free(&tree);
    JEBM_TRY(status);
    qsort(c->runs, c->nruns, sizeof *c->runs, by_figure);
    for (size_t i = 0; i < c->nruns; i++) {
        const json_t *preset = json_object_get(c->runs[i].manifest, "preset");
        JEBM_TRY(jebm_catalogue_add_figure(
            c, c->runs[i].figure, json_string_value(json_object_get(preset, "title")), err));
        const char *draws = json_string_value(json_object_get(preset, "draws"));
        if (draws != NULL) {
            JEBM_TRY(jebm_catalogue_add_pictures(c, c->runs[i].figure, draws, err));
        }
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
        free(c->figures[i].drawn_by);
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

const jebm_known_figure *jebm_catalogue_figure(const jebm_catalogue *c, const char *name) {
    for (size_t i = 0; i < c->nfigures; i++) {
        if (strcmp(c->figures[i].name, name) == 0) {
            return &c->figures[i];
        }
    }
    return NULL;
}

/* What the first comment of analysis/figures/NAME.gp says after "Figure N: ", without its full
 * stop; NULL where it says nothing of the kind. */
static char *title_of_script(const char *name) {
    char *path, text[400] = "", line[200];
    char *relative = name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0'
                         ? jebm_format("analysis/figures/%s.gp", name)
                         : NULL;
    if (relative == NULL || jebm_share_path(relative, &path, NULL) != JEBM_OK) {
        free(relative);
        return NULL;
    }
    FILE *in = fopen(path, "r");
    while (in != NULL && fgets(line, sizeof line, in) != NULL && strncmp(line, "# ", 2) == 0) {
        line[strcspn(line, "\n")] = '\0';
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? " " : "", line + 2);
    }
    if (in != NULL) {
        fclose(in);
    }
    free(path);
    free(relative);
    const char *title = strstr(text, ": ");
    if (strncmp(text, "Figure ", 7) != 0 || title == NULL) {
        return NULL;
    }
    const size_t n = strlen(title + 2);
    return jebm_format("%.*s", (int)(title[n + 1] == '.' ? n - 1 : n), title + 2);
}

static jebm_status add_picture(jebm_catalogue *c, const char *figure, const char *name,
                               jebm_error *err) {
    char *title = title_of_script(name);
    const jebm_status status = jebm_catalogue_add_figure(c, name, title, err);
    free(title);
    JEBM_TRY(status);
    for (size_t i = 0; i < c->nfigures; i++) {
        if (strcmp(c->figures[i].name, name) == 0 && c->figures[i].drawn_by == NULL) {
            c->figures[i].drawn_by = strdup(figure);
            return c->figures[i].drawn_by != NULL ? JEBM_OK : no_memory(err);
        }
    }
    return JEBM_OK;
}

jebm_status jebm_catalogue_add_pictures(jebm_catalogue *c, const char *figure, const char *draws,
                                        jebm_error *err) {
    for (const char *at = draws; *(at += strspn(at, " ")) != '\0';) {
        const size_t n = strcspn(at, " ");
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)n, at);
        at += n;
        if (strcmp(name, "-") != 0 && strcmp(name, figure) != 0) {
            JEBM_TRY(add_picture(c, figure, name, err));
        }
    }
    return JEBM_OK;
}

typedef struct preset_reader {
    jebm_catalogue *catalogue;
    jebm_status status;
    jebm_error *err;
} preset_reader;

/* every figure of a preset file has a title, and only in its plain section */
static int take_figure(void *user, const char *section, const char *key, const char *value) {
    preset_reader *r = user;
    if (r->status != JEBM_OK || strpbrk(section, ":@") != NULL) {
        return 1;
    }
    if (strcmp(key, "title") == 0) {
        r->status = jebm_catalogue_add_figure(r->catalogue, section, value, r->err);
    } else if (strcmp(key, "draws") == 0) {
        r->status = jebm_catalogue_add_pictures(r->catalogue, section, value, r->err);
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
            ini_parse(files.gl_pathv[i], take_figure, &reader);
        }
    }
    globfree(&files);
    free(pattern);
    return reader.status;
}
