/* jebm-pack: bring stored results into their compact form, and back.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/figure.h"
#include "app/manifest.h"
#include "app/packed.h"
#include "app/share.h"
#include "command.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: jebm-pack [--unpack] DIR\n"
    "Bring the results below a directory into a compact form that jebm-check and jebm-report read\n"
    "as they are, or bring them back. In that form trajectory.csv is compressed\n"
    "(trajectory.csv.gz), summary.csv, which follows from it, is absent, a picture is there as "
    "PNG\n"
    "only, and images and samples are those of the first run. Every file is checked against its\n"
    "manifest.json before anything is removed, and what is absent was made from what is there.\n"
    "\n"
    "  --unpack          write trajectory.csv and summary.csv again and draw the pictures anew\n"
    "                    (needs gnuplot); images and samples of other runs do not come back\n"
    "  --no-figure       with --unpack: draw nothing\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 done, 1 a file is not the one of its manifest, cut or corrupt, 2 usage or no\n"
    "results.\n";

enum { UNPACK = 1, NO_FIGURE, HELP, VERSION };

static const struct option long_options[] = {{"unpack", no_argument, NULL, UNPACK},
                                             {"no-figure", no_argument, NULL, NO_FIGURE},
                                             {"help", no_argument, NULL, HELP},
                                             {"version", no_argument, NULL, VERSION},
                                             {NULL, 0, NULL, 0}};

typedef struct options {
    const char *directory;
    bool unpack, no_figure;
    int action; /* 0, HELP or VERSION */
} options;

static jebm_status parse_options(int argc, char **argv, options *o, jebm_error *err) {
    *o = (options){0};
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (code) {
        case UNPACK:
            o->unpack = true;
            break;
        case NO_FIGURE:
            o->no_figure = true;
            break;
        case HELP:
        case VERSION:
            o->action = code;
            break;
        default:
            return jebm_command_bad_option(long_options, argv[optind - 1], err);
        }
    }
    if (o->action == 0 && optind + 1 != argc) {
        return jebm_fail(err, JEBM_EINVAL, "found %d arguments, expected one directory; see --help",
                         argc - optind);
    }
    o->directory = argv[optind];
    return JEBM_OK;
}

static jebm_status no_memory(jebm_error *err) {
    return jebm_fail(err, JEBM_ENOMEM, "not enough memory for a list of results");
}

/* ---- a tree ---- */

typedef struct tree {
    char **runs; /* [n] directories with a manifest */
    size_t n;
    char **drawings; /* [ndrawings] SVG and PDF that lie beside a PNG of the same name */
    size_t ndrawings;
    double bytes; /* of all files, links not counted */
} tree;

static void tree_free(tree *t) {
    for (size_t i = 0; i < t->n; i++) {
        free(t->runs[i]);
    }
    for (size_t i = 0; i < t->ndrawings; i++) {
        free(t->drawings[i]);
    }
    free(t->runs);
    free(t->drawings);
    *t = (tree){0};
}

static jebm_status add(char ***list, size_t *n, const char *path, jebm_error *err) {
    char **grown = realloc(*list, (*n + 1) * sizeof *grown);
    *list = grown != NULL ? grown : *list;
    if (grown == NULL || (grown[*n] = jebm_format("%s", path)) == NULL) {
        return no_memory(err);
    }
    ++*n;
    return JEBM_OK;
}

/* Is it NAME.svg or NAME.pdf beside a NAME.png? */
static bool is_spare_drawing(const char *path) {
    const size_t length = strlen(path);
    if (length < 4 ||
        (strcmp(path + length - 4, ".svg") != 0 && strcmp(path + length - 4, ".pdf") != 0)) {
        return false;
    }
    char *png = jebm_format("%.*s.png", (int)(length - 4), path);
    const bool spare = png != NULL && access(png, F_OK) == 0;
    free(png);
    return spare;
}

static jebm_status walk(const char *path, tree *t, jebm_error *err);

static jebm_status take(const char *directory, const char *name, tree *t, jebm_error *err) {
    struct stat what;
    char *path = jebm_format("%s/%s", directory, name);
    jebm_status status = path == NULL ? no_memory(err) : JEBM_OK;
    if (status == JEBM_OK && lstat(path, &what) != 0) {
        status = jebm_fail(err, JEBM_EIO, "%s: cannot be read: %s", path, strerror(errno));
    } else if (status == JEBM_OK && S_ISDIR(what.st_mode)) {
        status = walk(path, t, err);
    } else if (status == JEBM_OK && S_ISREG(what.st_mode)) {
        t->bytes += (double)what.st_size;
        if (strcmp(name, "manifest.json") == 0) {
            status = add(&t->runs, &t->n, directory, err);
        } else if (is_spare_drawing(path)) {
            status = add(&t->drawings, &t->ndrawings, path, err);
        }
    }
    free(path);
    return status;
}

/* Find what lies below a directory; links to directories are not followed. */
static jebm_status walk(const char *path, tree *t, jebm_error *err) {
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return jebm_fail(err, JEBM_EINVAL,
                         "%s: cannot be listed: %s; expected a directory of results", path,
                         strerror(errno));
    }
    jebm_status status = JEBM_OK;
    for (const struct dirent *e; status == JEBM_OK && (e = readdir(directory)) != NULL;) {
        if (e->d_name[0] != '.') {
            status = take(path, e->d_name, t, err);
        }
    }
    closedir(directory);
    return status;
}

/* ---- one run ---- */

static jebm_status draw(const char *directory, const char *picture, jebm_error *err) {
    char note[256];
    bool warned;
    JEBM_TRY(jebm_figure_draw(picture, directory, note, &warned, err));
    if (warned) {
        fprintf(stderr, "jebm-pack: warning: %s/%s: %s\n", directory, picture, note);
    }
    return JEBM_OK;
}

/* The pictures of a run: those that its preset lists, else the one called as the figure. */
static jebm_status draw_all(const char *directory, const json_t *manifest, jebm_error *err) {
    const char *words =
        json_string_value(json_object_get(json_object_get(manifest, "preset"), "draws"));
    if (words == NULL || strcmp(words, "-") == 0) {
        words = json_string_value(json_object_get(manifest, "figure"));
    }
    while (words != NULL && *(words += strspn(words, " ")) != '\0') {
        const size_t length = strcspn(words, " ");
        char *picture = jebm_format("%.*s", (int)length, words);
        const jebm_status status = picture == NULL ? no_memory(err) : draw(directory, picture, err);
        free(picture);
        JEBM_TRY(status);
        words += length;
    }
    return JEBM_OK;
}

/* Those whose files are links come after those that they lead to. */
static jebm_status treat(const options *o, const char *directory, bool linked, size_t *done,
                         jebm_error *err) {
    json_t *manifest;
    JEBM_TRY(jebm_manifest_read(directory, &manifest, err));
    jebm_status status = JEBM_OK;
    if (jebm_packed_is_linked(manifest) == linked && jebm_manifest_complete(manifest)) {
        status = o->unpack ? jebm_packed_undo(directory, manifest, err)
                           : jebm_packed_make(directory, manifest, err);
        if (status == JEBM_OK && o->unpack && !o->no_figure) {
            status = draw_all(directory, manifest, err);
        }
        ++*done;
    }
    json_decref(manifest);
    return status;
}

/* ---- all ---- */

static jebm_status treat_all(const options *o, const tree *t, size_t *done, jebm_error *err) {
    for (size_t links = 0; links < 2; links++) {
        for (size_t i = 0; i < t->n; i++) {
            JEBM_TRY(treat(o, t->runs[i], links == 1, done, err));
        }
    }
    for (size_t i = 0; i < t->ndrawings && !o->unpack; i++) {
        if (unlink(t->drawings[i]) != 0) {
            return jebm_fail(err, JEBM_EIO, "%s: cannot be removed: %s", t->drawings[i],
                             strerror(errno));
        }
    }
    return JEBM_OK;
}

static jebm_status run(const options *o, jebm_error *err) {
    tree before = {0}, after = {0};
    size_t done = 0;
    jebm_status status = walk(o->directory, &before, err);
    if (status == JEBM_OK && before.n == 0) {
        status =
            jebm_fail(err, JEBM_EINVAL,
                      "%s: found no manifest.json below it, expected results of ./reproduce or "
                      "of a driver",
                      o->directory);
    }
    if (status == JEBM_OK) {
        status = treat_all(o, &before, &done, err);
    }
    if (status == JEBM_OK) {
        status = walk(o->directory, &after, err);
    }
    if (status == JEBM_OK) {
        printf("%s: %zu runs %s, %zu unfinished left as they are; %.1f MB, before %.1f MB\n",
               o->directory, done, o->unpack ? "unpacked" : "packed", before.n - done,
               1e-6 * after.bytes, 1e-6 * before.bytes);
    }
    tree_free(&before);
    tree_free(&after);
    return status;
}

int main(int argc, char **argv) {
    options o;
    jebm_error err = {0};
    jebm_status status = parse_options(argc, argv, &o, &err);
    if (status == JEBM_OK && (o.action == HELP || o.action == VERSION)) {
        jebm_command_tell("jebm-pack", o.action == HELP ? usage : NULL);
    } else if (status == JEBM_OK) {
        status = run(&o, &err);
    }
    return jebm_command_end("jebm-pack", status, &err);
}
