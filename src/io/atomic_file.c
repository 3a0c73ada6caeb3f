/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static jebm_status write_failed(jebm_error *err, const char *path, int reason) {
    if (reason == ENOSPC || reason == EDQUOT) {
        return jebm_fail(err, JEBM_EIO,
                         "%s: cannot be written: %s; free some space or give another directory",
                         path, strerror(reason));
    }
    return jebm_fail(err, JEBM_EIO, "%s: cannot be written: %s", path,
                     reason != 0 ? strerror(reason) : "an earlier write failed");
}

jebm_status jebm_atomic_open(jebm_atomic_file *file, const char *path, jebm_error *err) {
    memset(file, 0, sizeof *file);
    const size_t length = strlen(path);
    file->path = malloc(length + 1);
    file->part = malloc(length + sizeof JEBM_PART_SUFFIX);
    if (file->path == NULL || file->part == NULL) {
        jebm_atomic_abandon(file);
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory to write it", path);
    }
    memcpy(file->path, path, length + 1);
    memcpy(file->part, path, length);
    memcpy(file->part + length, JEBM_PART_SUFFIX, sizeof JEBM_PART_SUFFIX);

    const int fd = open(file->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd >= 0) {
        file->stream = fdopen(fd, "wb");
    }
    if (file->stream == NULL) {
        const int reason = errno;
        if (fd >= 0) {
            close(fd);
            unlink(file->part);
        }
        free(file->path);
        free(file->part);
        memset(file, 0, sizeof *file);
        return write_failed(err, path, reason);
    }
    return JEBM_OK;
}

/* A rename is on disk only when its directory is; file systems that cannot sync one say EINVAL. */
static int sync_directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    char *directory = NULL;
    if (slash != NULL && slash != path) {
        const size_t length = (size_t)(slash - path);
        directory = malloc(length + 1);
        if (directory == NULL) {
            return ENOMEM;
        }
        memcpy(directory, path, length);
        directory[length] = '\0';
    }
    const char *name = directory != NULL ? directory : slash == path ? "/" : ".";
    const int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int reason = 0;
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL)) {
        reason = errno;
    }
    if (fd >= 0) {
        close(fd);
    }
    free(directory);
    return reason;
}

jebm_status jebm_atomic_commit(jebm_atomic_file *file, jebm_error *err) {
    int reason = 0;
    errno = 0;
    if (fflush(file->stream) != 0 || ferror(file->stream) || fsync(fileno(file->stream)) != 0) {
        reason = errno != 0 ? errno : -1;
    }
    if (fclose(file->stream) != 0 && reason == 0) {
        reason = errno;
    }
    file->stream = NULL;
    if (reason == 0 && rename(file->part, file->path) != 0) {
        reason = errno;
    }
    jebm_status status = JEBM_OK;
    if (reason != 0) {
        unlink(file->part);
    } else {
        reason = sync_directory_of(file->path);
    }
    if (reason != 0) {
        status = write_failed(err, file->path, reason > 0 ? reason : 0);
    }
    free(file->path);
    free(file->part);
    memset(file, 0, sizeof *file);
    return status;
}

void jebm_atomic_abandon(jebm_atomic_file *file) {
    if (file == NULL) {
        return;
    }
    if (file->stream != NULL) {
        fclose(file->stream);
        unlink(file->part);
    }
    free(file->path);
    free(file->part);
    memset(file, 0, sizeof *file);
}

jebm_status jebm_atomic_write(const char *path, const void *bytes, size_t size, jebm_error *err) {
    jebm_atomic_file file;
    JEBM_TRY(jebm_atomic_open(&file, path, err));
    fwrite(bytes, 1, size, file.stream);
    return jebm_atomic_commit(&file, err);
}
