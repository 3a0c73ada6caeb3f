/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/packed.h"

#include "app/artefacts.h"
#include "app/manifest.h"
#include "app/rundir.h"
#include "app/share.h"
#include "io/atomic_file.h"
#include "io/content.h"
#include "io/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static jebm_status no_memory(jebm_error *err) {
    return jebm_fail(err, JEBM_ENOMEM, "not enough memory to pack or unpack a run");
}

bool jebm_packed(const char *directory) {
    char *path = jebm_format("%s/trajectory.csv", directory);
    const bool packed = path != NULL && jebm_content_packed(path);
    free(path);
    return packed;
}

/* ---- summary.csv ---- */

jebm_status jebm_packed_summary(const char *directory, const json_t *manifest, char **text,
                                size_t *size, jebm_error *err) {
    *text = NULL;
    jebm_table table;
    char digest[JEBM_DIGEST_TEXT];
    char *path = jebm_format("%s/trajectory.csv", directory);
    jebm_status status = path == NULL ? no_memory(err) : jebm_table_read(&table, path, err);
    free(path);
    JEBM_TRY(status);
    status = jebm_table_summary(&table, text, size, err);
    jebm_table_free(&table);
    JEBM_TRY(status);
    jebm_digest_bytes(*text, *size, digest);
    const json_t *entry = json_object_get(json_object_get(manifest, "files"), "summary.csv");
    if (strcmp(text_of(entry, "sha256"), digest) != 0) {
        free(*text);
        *text = NULL;
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: the summary made from its trajectory is not the one that "
                         "manifest.json names (sha256 %.12s..., expected %.12s...); keep the run "
                         "unpacked, or run it again",
                         directory, digest, text_of(entry, "sha256"));
    }
    return JEBM_OK;
}

/* ---- there and back ---- */

/* Do something with a file of the directory. */
static jebm_status at(const char *directory, const char *name,
                      jebm_status (*act)(const char *path, jebm_error *err), jebm_error *err) {
    char *path = jebm_format("%s/%s", directory, name);
    const jebm_status status = path == NULL ? no_memory(err) : act(path, err);
    free(path);
    return status;
}

bool jebm_packed_is_linked(const json_t *manifest) {
    return json_is_string(json_object_get(manifest, "runs_of"));
}

jebm_status jebm_packed_make(const char *directory, const json_t *manifest, jebm_error *err) {
    const bool linked = jebm_packed_is_linked(manifest);
    if (!linked) {
        char *summary;
        size_t size;
        JEBM_TRY(jebm_manifest_check_files(directory, manifest, err));
        JEBM_TRY(jebm_packed_summary(directory, manifest, &summary, &size, err));
        free(summary);
    }
    if (!jebm_packed(directory)) {
        JEBM_TRY(at(directory, "trajectory.csv", jebm_content_pack, err));
    }
    jebm_rundir_remove(directory, "summary.csv");
    const char *name;
    json_t *entry;
    json_object_foreach(json_object_get(manifest, "files"), name, entry) {
        if (!linked && jebm_is_artefact(name) && jebm_artefact_run(name) > 0) {
            jebm_rundir_remove(directory, name);
        }
    }
    return JEBM_OK;
}

static jebm_status link_summary(const char *directory, const char *runs_of, jebm_error *err) {
    char *target = jebm_format("../%s/summary.csv", runs_of);
    char *path = jebm_format("%s/summary.csv", directory);
    jebm_status status = JEBM_OK;
    if (target == NULL || path == NULL) {
        status = no_memory(err);
    } else if (symlink(target, path) != 0) {
        status = jebm_fail(err, JEBM_EIO, "%s: cannot be linked to %s: %s", path, target,
                           strerror(errno));
    }
    free(target);
    free(path);
    return status;
}

static jebm_status write_summary(const char *directory, const json_t *manifest, jebm_error *err) {
    char *text;
    size_t size;
    JEBM_TRY(jebm_packed_summary(directory, manifest, &text, &size, err));
    char *path = jebm_format("%s/summary.csv", directory);
    const jebm_status status =
        path == NULL ? no_memory(err) : jebm_atomic_write(path, text, size, err);
    free(path);
    free(text);
    return status;
}

jebm_status jebm_packed_undo(const char *directory, const json_t *manifest, jebm_error *err) {
    if (jebm_packed_is_linked(manifest)) {
        jebm_rundir_remove(directory, "summary.csv");
        JEBM_TRY(link_summary(directory, text_of(manifest, "runs_of"), err));
    } else {
        JEBM_TRY(jebm_manifest_check_files(directory, manifest, err));
        JEBM_TRY(write_summary(directory, manifest, err));
    }
    char *path = jebm_format("%s/trajectory.csv", directory);
    jebm_status status = path == NULL ? no_memory(err) : JEBM_OK;
    if (status == JEBM_OK && access(path, F_OK) != 0) {
        status = jebm_content_unpack(path, err);
    }
    free(path);
    return status;
}
