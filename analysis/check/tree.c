/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tree.h"

#include "app/preset.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 16 };

/* more runs or recorded steps make a result no less the preset's; anything else does */
const char *jebm_manifest_override(const json_t *manifest) {
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(manifest, "overrides"), i, entry) {
        const char *text = json_string_value(entry);
        if (text != NULL && strncmp(text, "runs=", 5) != 0 &&
            strncmp(text, "record_every=", 13) != 0 && strncmp(text, "record_first=", 13) != 0 &&
            strncmp(text, "record_until=", 13) != 0) {
            return text;
        }
    }
    return NULL;
}

/* ---- one manifest ---- */

static bool take_name(const json_t *manifest, const char *key, char *name, size_t size) {
    const char *text = json_string_value(json_object_get(manifest, key));
    snprintf(name, size, "%s", text != NULL ? text : "");
    return text != NULL && text[0] != '\0' && strlen(text) < size && strchr(text, '/') == NULL;
}

static jebm_status take_manifest(const json_t *manifest, const char *file, jebm_found *found,
                                 jebm_error *err) {
    if (!take_name(manifest, "scale", found->scale, sizeof found->scale) ||
        !take_name(manifest, "fidelity", found->fidelity, sizeof found->fidelity) ||
        !take_name(manifest, "figure", found->figure, sizeof found->figure)) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: expected the names of a scale, a fidelity and a figure; was it "
                         "written by jebm?",
                         file);
    }
    const json_t *csv = json_object_get(json_object_get(manifest, "files"), "trajectory.csv");
    const char *sha256 = json_string_value(json_object_get(csv, "sha256"));
    snprintf(found->sha256, sizeof found->sha256, "%s", sha256 != NULL ? sha256 : "");
    found->complete = json_is_true(json_object_get(manifest, "complete")) &&
                      json_object_get(manifest, "part") == NULL;
    found->overridden = jebm_manifest_override(manifest) != NULL;
    return JEBM_OK;
}

static jebm_status add(jebm_tree *tree, const char *relative, const char *file, jebm_error *err) {
    json_error_t why;
    json_t *manifest = json_load_file(file, JSON_REJECT_DUPLICATES, &why);
    if (manifest == NULL) {
        return jebm_fail(err, JEBM_EFORMAT, "%s:%d: %.160s; the manifest is cut or corrupt", file,
                         why.line, why.text);
    }
    jebm_status status = JEBM_OK;
    jebm_found *list = realloc(tree->list, (tree->n + 1) * sizeof *list);
    if (list == NULL) {
        status = jebm_fail(err, JEBM_ENOMEM, "%s: no memory for another result", file);
    } else {
        tree->list = list;
        jebm_found *found = &list[tree->n++];
        *found = (jebm_found){0};
        snprintf(found->path, sizeof found->path, "%s", relative[0] != '\0' ? relative : ".");
        status = take_manifest(manifest, file, found, err);
    }
    json_decref(manifest);
    return status;
}

/* ---- the walk ---- */

static jebm_status walk(const char *directory, const char *relative, int depth, jebm_tree *tree,
                        jebm_error *err);

/* what lies in a directory without a manifest: go on where it is a directory of its own, not by a
 * link, which may lead in a circle */
static jebm_status walk_entry(const char *directory, const char *relative, const char *name,
                              int depth, jebm_tree *tree, jebm_error *err) {
    char path[1024], inner[256];
    struct stat what;
    const int n =
        snprintf(path, sizeof path, "%s%s%s/%s", directory, relative[0] ? "/" : "", relative, name);
    const int m = snprintf(inner, sizeof inner, "%s%s%s", relative, relative[0] ? "/" : "", name);
    if (n < 0 || (size_t)n >= sizeof path || m < 0 || (size_t)m >= sizeof inner) {
        return jebm_fail(err, JEBM_EINVAL, "%.60s...: the path is too long", directory);
    }
    if (lstat(path, &what) != 0 || !S_ISDIR(what.st_mode) || depth == DEEPEST) {
        return JEBM_OK;
    }
    return walk(directory, inner, depth + 1, tree, err);
}

static jebm_status walk(const char *directory, const char *relative, int depth, jebm_tree *tree,
                        jebm_error *err) {
    char path[1024], manifest[1040];
    snprintf(path, sizeof path, "%s%s%s", directory, relative[0] ? "/" : "", relative);
    snprintf(manifest, sizeof manifest, "%s/manifest.json", path);
    if (access(manifest, F_OK) == 0) {
        return add(tree, relative, manifest, err);
    }
    DIR *open = opendir(path);
    if (open == NULL) {
        return errno == ENOENT || errno == ENOTDIR
                   ? JEBM_OK
                   : jebm_fail(err, JEBM_EIO, "%s: cannot be listed: %s", path, strerror(errno));
    }
    jebm_status status = JEBM_OK;
    for (const struct dirent *entry; (entry = readdir(open)) != NULL && status == JEBM_OK;) {
        if (entry->d_name[0] != '.') {
            status = walk_entry(directory, relative, entry->d_name, depth, tree, err);
        }
    }
    closedir(open);
    return status;
}

/* ---- which one counts ---- */

static bool same_kind(const jebm_found *a, const jebm_found *b) {
    return strcmp(a->scale, b->scale) == 0 && strcmp(a->fidelity, b->fidelity) == 0 &&
           strcmp(a->figure, b->figure) == 0;
}

/* at SCALE/FIDELITY/FIGURE? */
static bool in_place(const jebm_found *f) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s/%s", f->scale, f->fidelity, f->figure);
    return strcmp(f->path, path) == 0;
}

static int merit(const jebm_found *f) {
    return 2 * f->complete + !f->overridden;
}

/* may both be taken for the result that claims are judged by, and do they differ? */
static bool conflict(const jebm_found *a, const jebm_found *b) {
    return a->complete && merit(a) == merit(b) && strcmp(a->sha256, b->sha256) != 0;
}

static jebm_status choose(jebm_tree *tree, const char *directory, size_t first, jebm_error *err) {
    jebm_found *best = &tree->list[first];
    for (size_t i = first + 1; i < tree->n; i++) {
        jebm_found *other = &tree->list[i];
        const bool equal = merit(other) == merit(best);
        if (same_kind(best, other) &&
            (merit(other) > merit(best) || (equal && in_place(other) && !in_place(best)))) {
            best = other;
        }
    }
    best->chosen = true;
    for (size_t i = first; i < tree->n; i++) {
        const jebm_found *other = &tree->list[i];
        if (same_kind(best, other) && conflict(best, other)) {
            return jebm_fail(err, JEBM_EINVAL,
                             "%s: found two results of %s/%s/%s with different data, %s and %s: "
                             "give --results a directory that holds one of them",
                             directory, best->scale, best->fidelity, best->figure, best->path,
                             other->path);
        }
    }
    return JEBM_OK;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const jebm_found *)a)->path, ((const jebm_found *)b)->path);
}

static jebm_status choose_all(jebm_tree *tree, const char *directory, jebm_error *err) {
    if (tree->n > 0) {
        qsort(tree->list, tree->n, sizeof *tree->list, by_path);
    }
    for (size_t i = 0; i < tree->n; i++) {
        const jebm_found *f = &tree->list[i];
        if (jebm_tree_find(tree, f->scale, f->fidelity, f->figure) == NULL) {
            JEBM_TRY(choose(tree, directory, i, err));
        }
    }
    return JEBM_OK;
}

jebm_status jebm_tree_walk(const char *directory, jebm_tree *tree, jebm_error *err) {
    *tree = (jebm_tree){0};
    jebm_status status = walk(directory, "", 0, tree, err);
    if (status == JEBM_OK) {
        status = choose_all(tree, directory, err);
    }
    if (status != JEBM_OK) {
        jebm_tree_free(tree);
    }
    return status;
}

void jebm_tree_free(jebm_tree *tree) {
    free(tree->list);
    *tree = (jebm_tree){0};
}

const jebm_found *jebm_tree_find(const jebm_tree *tree, const char *scale, const char *fidelity,
                                 const char *figure) {
    for (size_t i = 0; i < tree->n; i++) {
        const jebm_found *f = &tree->list[i];
        if (f->chosen && strcmp(f->scale, scale) == 0 && strcmp(f->fidelity, fidelity) == 0 &&
            strcmp(f->figure, figure) == 0) {
            return f;
        }
    }
    return NULL;
}

jebm_status jebm_tree_expect(const jebm_tree *tree, const char *directory, const char *scale,
                             jebm_error *err) {
    char has[160] = "";
    for (size_t s = JEBM_NSCALES; s-- > 0;) {
        bool any = false;
        for (size_t i = 0; i < tree->n; i++) {
            any |= strcmp(tree->list[i].scale, jebm_scales[s]) == 0;
        }
        if (any && (scale == NULL || strcmp(scale, jebm_scales[s]) == 0)) {
            return JEBM_OK;
        }
        if (any) {
            const size_t used = strlen(has);
            snprintf(has + used, sizeof has - used, "%s%s", used > 0 ? ", " : "", jebm_scales[s]);
        }
    }
    if (has[0] == '\0') {
        return jebm_fail(err, JEBM_EINVAL,
                         "%s: found no manifest.json in it or below: run ./reproduce first, or "
                         "give the --results that it wrote",
                         directory);
    }
    return jebm_fail(err, JEBM_EINVAL, "%s: found no results at scale %s, only at %s", directory,
                     scale, has);
}
