/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/artefacts.h"

#include "app/rundir.h"
#include "app/share.h"
#include "io/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* directories of artefacts */
#define IMAGES "images"
#define MODELS "models"
static const char *const places[] = {IMAGES, MODELS};
enum { PLACES = sizeof places / sizeof places[0] };

static jebm_status no_memory(jebm_error *err) {
    return jebm_fail(err, JEBM_ENOMEM, "not enough memory for a list of files");
}

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

/* what follows PLACE/ in the name; NULL if it is not there */
static const char *within(const char *name, const char *place) {
    const size_t n = strlen(place);
    return strncmp(name, place, n) == 0 && name[n] == '/' ? name + n + 1 : NULL;
}

bool jebm_is_artefact(const char *name) {
    for (size_t i = 0; i < PLACES; i++) {
        const char *rest = within(name, places[i]);
        // a name that leads elsewhere is none
        if (rest != NULL) {
            return rest[0] != '\0' && rest[0] != '.' && strchr(rest, '/') == NULL &&
                   !ends_with(rest, JEBM_PART_SUFFIX);
        }
    }
    return strncmp(name, "samples-", 8) == 0 && strchr(name, '/') == NULL &&
           ends_with(name, ".csv");
}

/* what follows the last dash before end; NULL if there is none */
static const char *after_dash(const char *name, const char *end) {
    while (end > name && end[-1] != '-') {
        end--;
    }
    return end > name ? end : NULL;
}

unsigned long jebm_artefact_run(const char *name) {
    const char *end = strrchr(name, '.');
    end = end != NULL ? end : name + strlen(name);
    const char *last = after_dash(name, end);
    // a kind, and the run before it
    if (last != NULL && strcspn(last, "0123456789") >= (size_t)(end - last)) {
        end = last - 1;
        last = after_dash(name, end);
    }
    char *stop;
    const unsigned long run = last != NULL && last < end ? strtoul(last, &stop, 10) : 0;
    return run > 0 && stop == end ? run : 0;
}

bool jebm_artefact_left_out(const char *directory, const char *name) {
    if (within(name, MODELS) == NULL && jebm_artefact_run(name) == 0) {
        return false;
    }
    char *path = jebm_format("%s/%s", directory, name);
    const bool gone = path != NULL && access(path, F_OK) != 0 && errno == ENOENT;
    free(path);
    return gone;
}

static int compare(const void *left, const void *right) {
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

/* The names of a directory's entries, each after the prefix; none where there is no directory. */
static jebm_status list(const char *directory, const char *prefix, char ***names, size_t *n,
                        jebm_error *err) {
    DIR *stream = opendir(directory);
    if (stream == NULL) {
        return errno == ENOENT ? JEBM_OK
                               : jebm_fail(err, JEBM_EIO, "%s: cannot be listed: %s", directory,
                                           strerror(errno));
    }
    jebm_status status = JEBM_OK;
    for (struct dirent *d = readdir(stream); d != NULL && status == JEBM_OK; d = readdir(stream)) {
        char *name = jebm_format("%s%s", prefix, d->d_name);
        char **grown = realloc(*names, (*n + 1) * sizeof *grown);
        *names = grown != NULL ? grown : *names;
        if (name == NULL || grown == NULL) {
            free(name);
            status = no_memory(err);
        } else {
            grown[(*n)++] = name;
        }
    }
    closedir(stream);
    return status;
}

/* The entries of directory/place, each as place/NAME. */
static jebm_status list_place(const char *directory, const char *place, char ***names, size_t *n,
                              jebm_error *err) {
    char *path = jebm_format("%s/%s", directory, place), *prefix = jebm_format("%s/", place);
    const jebm_status status =
        path == NULL || prefix == NULL ? no_memory(err) : list(path, prefix, names, n, err);
    free(path);
    free(prefix);
    return status;
}

/* All entries of the directory and of the artefacts' own, sorted. */
static jebm_status list_all(const char *directory, char ***names, size_t *n, jebm_error *err) {
    *names = NULL;
    *n = 0;
    jebm_status status = list(directory, "", names, n, err);
    for (size_t i = 0; i < PLACES && status == JEBM_OK; i++) {
        status = list_place(directory, places[i], names, n, err);
    }
    if (*n > 0) {
        qsort(*names, *n, sizeof **names, compare);
    }
    return status;
}

static void names_free(char **names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        free(names[i]);
    }
    free(names);
}

jebm_status jebm_artefacts_list(const char *directory, json_t **names, jebm_error *err) {
    char **all;
    size_t n;
    *names = json_array();
    jebm_status status = *names == NULL ? no_memory(err) : JEBM_OK;
    if (status == JEBM_OK) {
        status = list_all(directory, &all, &n, err);
        for (size_t i = 0; i < n && status == JEBM_OK; i++) {
            if (jebm_is_artefact(all[i]) && json_array_append_new(*names, json_string(all[i]))) {
                status = no_memory(err);
            }
        }
        names_free(all, n);
    }
    if (status != JEBM_OK) {
        json_decref(*names);
        *names = NULL;
    }
    return status;
}

jebm_status jebm_artefacts_prepare(const char *directory, jebm_error *err) {
    jebm_status status = JEBM_OK;
    for (size_t i = 0; i < PLACES && status == JEBM_OK; i++) {
        char *path = jebm_format("%s/%s", directory, places[i]);
        status = path == NULL ? no_memory(err) : jebm_rundir_make(path, err);
        free(path);
    }
    return status;
}

void jebm_artefacts_tidy(const char *directory) {
    for (size_t i = 0; i < PLACES; i++) {
        char *path = jebm_format("%s/%s", directory, places[i]);
        if (path != NULL) {
            rmdir(path); // which fails where there is something
        }
        free(path);
    }
}

static jebm_status copy(const char *from, const char *to, jebm_error *err) {
    jebm_atomic_file out;
    char buffer[16384];
    FILE *in = fopen(from, "rb");
    if (in == NULL) {
        return jebm_fail(err, JEBM_EIO, "%s: cannot be opened: %s", from, strerror(errno));
    }
    jebm_status status = jebm_atomic_open(&out, to, err);
    if (status == JEBM_OK) {
        size_t got;
        while ((got = fread(buffer, 1, sizeof buffer, in)) > 0) {
            fwrite(buffer, 1, got, out.stream);
        }
        if (ferror(in)) {
            status = jebm_fail(err, JEBM_EIO, "%s: cannot be read", from);
            jebm_atomic_abandon(&out);
        } else {
            status = jebm_atomic_commit(&out, err);
        }
    }
    fclose(in);
    return status;
}

jebm_status jebm_artefacts_copy(const char *from, const char *directory, const char *name,
                                jebm_error *err) {
    char *source = jebm_format("%s/%s", from, name),
         *target = jebm_format("%s/%s", directory, name);
    jebm_status status =
        source == NULL || target == NULL ? no_memory(err) : jebm_artefacts_prepare(directory, err);
    if (status == JEBM_OK) {
        status = copy(source, target, err);
    }
    free(source);
    free(target);
    return status;
}

void jebm_artefacts_clear(const char *directory) {
    char **all;
    size_t n;
    list_all(directory, &all, &n, NULL);
    for (size_t i = 0; i < n; i++) {
        const size_t length = strlen(all[i]), part = strlen(JEBM_PART_SUFFIX);
        char *whole = jebm_format("%s", all[i]);
        if (whole != NULL && ends_with(whole, JEBM_PART_SUFFIX)) {
            whole[length - part] = '\0';
        }
        if (whole != NULL && jebm_is_artefact(whole)) {
            jebm_rundir_remove(directory, all[i]);
        }
        free(whole);
    }
    names_free(all, n);
    jebm_artefacts_tidy(directory);
}
