/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/rundir.h"

#include "app/artefacts.h"
#include "app/manifest.h"
#include "app/packed.h"
#include "app/share.h"
#include "io/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

jebm_status jebm_rundir_make(const char *directory, jebm_error *err) {
    char *path = jebm_format("%s/", directory);
    if (path == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory for a path");
    }
    jebm_status status = JEBM_OK;
    for (char *slash = strchr(path + 1, '/'); slash != NULL && status == JEBM_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        struct stat facts;
        if (mkdir(path, 0777) != 0) {
            const int reason = errno;
            if (stat(path, &facts) != 0 || !S_ISDIR(facts.st_mode)) {
                status = jebm_fail(err, JEBM_EIO, "%s: directory cannot be made: %s", path,
                                   strerror(reason));
            }
        }
        *slash = '/';
    }
    free(path);
    return status;
}

jebm_status jebm_rundir_lock(const char *directory, int *fd, jebm_error *err) {
    *fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0) {
        return jebm_fail(err, JEBM_EIO, "%s: cannot be opened: %s", directory, strerror(errno));
    }
    // the directory itself is the lock: nothing to leave behind. Some network file systems cannot
    // lock a directory; there the user has to see to it
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(*fd);
        *fd = -1;
        return jebm_fail(err, JEBM_EIO,
                         "%s: another process is writing this run; wait for it, or give another "
                         "--out",
                         directory);
    }
    return JEBM_OK;
}

static const char *const run_files[] = {"trajectory.csv", "trajectory.csv.gz", "summary.csv",
                                        "checkpoint.h5"};
static const char *const figure_suffixes[] = {".png", ".svg", ".pdf"};
#define COUNT(list) (sizeof(list) / sizeof *(list))

void jebm_rundir_remove(const char *directory, const char *name) {
    char *path = jebm_format("%s/%s", directory, name);
    if (path != NULL) {
        unlink(path);
    }
    free(path);
}

static void remove_picture(const char *directory, const char *picture) {
    for (size_t i = 0; i < COUNT(figure_suffixes); i++) {
        char *name = jebm_format("%s%s", picture, figure_suffixes[i]);
        if (name != NULL) {
            jebm_rundir_remove(directory, name);
        }
        free(name);
    }
}

void jebm_rundir_clear(const char *directory, const jebm_preset *preset) {
    char picture[JEBM_PICTURE_TEXT];
    for (size_t i = 0; i < COUNT(run_files); i++) {
        jebm_rundir_remove(directory, run_files[i]);
    }
    for (size_t i = 0; jebm_preset_picture(preset, i, picture); i++) {
        remove_picture(directory, picture);
    }
    jebm_artefacts_clear(directory);
}

/* A file that a killed writer of ours left: NAME.part of the manifest or a run's file. */
static bool is_our_part(const char *name) {
    static const char *const stems[] = {"manifest.json", "trajectory.csv", "summary.csv",
                                        "checkpoint.h5"};
    for (size_t i = 0; i < COUNT(stems); i++) {
        const size_t length = strlen(stems[i]);
        if (strncmp(name, stems[i], length) == 0 && strcmp(name + length, JEBM_PART_SUFFIX) == 0) {
            return true;
        }
    }
    return false;
}

jebm_status jebm_rundir_check_foreign(const char *directory, bool *has_manifest, jebm_error *err) {
    char foreign[128] = "";
    bool manifest = false;
    DIR *stream = opendir(directory);
    if (stream == NULL) {
        return jebm_fail(err, JEBM_EIO, "%s: cannot be listed: %s", directory, strerror(errno));
    }
    for (struct dirent *d = readdir(stream); d != NULL; d = readdir(stream)) {
        const char *name = d->d_name;
        if (strcmp(name, "manifest.json") == 0) {
            manifest = true;
        } else if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !is_our_part(name) &&
                   (foreign[0] == '\0' || strcmp(name, foreign) < 0)) {
            snprintf(foreign, sizeof foreign, "%.127s", name);
        }
    }
    closedir(stream);
    *has_manifest = manifest;
    if (!manifest && foreign[0] != '\0') {
        return jebm_fail(
            err, JEBM_EINVAL,
            "%s: holds '%s' but no manifest.json, so it is no run of ours; give another "
            "--out, or empty it",
            directory, foreign);
    }
    return JEBM_OK;
}

static jebm_status inspect_manifest(const jebm_campaign *c, const json_t *manifest,
                                    jebm_rundir_state *state, jebm_error *err) {
    jebm_difference d;
    if (!jebm_manifest_matches(manifest, c, &d)) {
        return jebm_fail(
            err, JEBM_EINVAL,
            "%s: holds a run with other settings (%s: there %s, here %s); give another "
            "--out, or --force to replace it",
            c->directory, d.key, d.there, d.here);
    }
    if (jebm_manifest_complete(manifest)) {
        *state = JEBM_RUNDIR_COMPLETE;
        if (jebm_packed(c->directory)) {
            return jebm_fail(err, JEBM_EINVAL,
                             "%s: holds this run in packed form; bring it back with `jebm-pack "
                             "--unpack %s`, or give another --out",
                             c->directory, c->directory);
        }
        return jebm_manifest_check_files(c->directory, manifest, err);
    }
    if (c->merged_from != NULL) {
        // what a killed merge left is merged again; an unfinished run is somebody's work
        *state = JEBM_RUNDIR_REPLACE;
        return json_object_get(manifest, "merged_from") != NULL
                   ? JEBM_OK
                   : jebm_fail(err, JEBM_EINVAL,
                               "%s: holds an unfinished run with these settings; give another "
                               "--out, or --force to replace it",
                               c->directory);
    }
    *state = JEBM_RUNDIR_INCOMPLETE;
    if (!c->options->resume) {
        return jebm_fail(err, JEBM_EINVAL,
                         "%s: holds an unfinished run with these settings; give --resume to go on, "
                         "or --force to start anew",
                         c->directory);
    }
    return JEBM_OK;
}

jebm_status jebm_rundir_inspect(const jebm_campaign *c, jebm_rundir_state *state, json_t **manifest,
                                jebm_error *err) {
    *manifest = NULL;
    bool has_manifest = false;
    JEBM_TRY(jebm_rundir_check_foreign(c->directory, &has_manifest, err));
    if (!has_manifest || c->options->force) {
        *state = has_manifest ? JEBM_RUNDIR_REPLACE : JEBM_RUNDIR_EMPTY;
        return JEBM_OK;
    }
    JEBM_TRY(jebm_manifest_read(c->directory, manifest, err));
    const jebm_status status = inspect_manifest(c, *manifest, state, err);
    if (status != JEBM_OK || *state != JEBM_RUNDIR_COMPLETE) {
        json_decref(*manifest);
        *manifest = NULL;
    }
    return status;
}
