/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

/* The directory of a file; the caller's to free, NULL without memory. */
static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    const size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    char *directory = malloc(length + 1);
    if (directory != NULL) {
        memcpy(directory, slash == NULL ? "." : path, length);
        directory[length] = '\0';
    }
    return directory;
}

/* " (at least 3.2 MB are needed, 0.1 MB are free)", as far as it is known; needed 0: not known */
static void tell_space(const char *path, double needed, char text[96]) {
    struct statvfs facts;
    char *directory = directory_of(path);
    text[0] = '\0';
    if (directory != NULL && statvfs(directory, &facts) == 0) {
        const double available = (double)facts.f_bavail * (double)facts.f_frsize;
        size_t used = 0;
        if (needed > 0.0) {
            used = (size_t)snprintf(text, 96, " (at least %.3g MB are needed,", needed / 1e6);
        }
        snprintf(text + used, 96 - used, "%s%.3g MB are free)", used > 0 ? " " : " (",
                 available / 1e6);
    }
    free(directory);
}

/* needed: bytes of the whole file; 0 where that is not known */
static jebm_status write_failed(jebm_error *err, const char *path, int reason, double needed) {
    if (reason == ENOSPC || reason == EDQUOT) {
        char space[96];
        tell_space(path, needed, space);
        return jebm_fail(err, JEBM_EIO,
                         "%s: cannot be written: %s%s; free some space or give another directory",
                         path, strerror(reason), space);
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
        return write_failed(err, path, reason, 0.0);
    }
    return JEBM_OK;
}

/* A rename is on disk only when its directory is; file systems that cannot sync one say EINVAL. */
static int sync_directory_of(const char *path) {
    char *directory = directory_of(path);
    if (directory == NULL) {
        return ENOMEM;
    }
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
    const off_t size = ftello(file->stream);
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
        status = write_failed(err, file->path, reason > 0 ? reason : 0, (double)size);
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
    errno = 0;
    if (fwrite(bytes, 1, size, file.stream) != size) {
        const int reason = errno;
        jebm_atomic_abandon(&file);
        return write_failed(err, path, reason, (double)size);
    }
    return jebm_atomic_commit(&file, err);
}
