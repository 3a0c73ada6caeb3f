/* Files that appear whole or not at all: written beside their target as PATH.part, brought to disk,
 * then renamed over it. Whatever fails, the old file stays as it was and the part is removed. A
 * part left by a killed process is overwritten by the next writer; one writer a path at a time.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_IO_ATOMIC_FILE_H
#define JEBM_IO_ATOMIC_FILE_H

#include "core/status.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JEBM_PART_SUFFIX ".part"

typedef struct jebm_atomic_file {
    FILE *stream; /* write here; errors may be left for commit to find */
    char *path, *part;
} jebm_atomic_file;

/* Start writing path. On failure nothing is held.
 *
 * Errors   JEBM_EIO with a line that names the path and the reason; JEBM_ENOMEM. */
JEBM_API jebm_status jebm_atomic_open(jebm_atomic_file *file, const char *path, jebm_error *err);

/* Flush, fsync, rename, fsync the directory. Releases file whatever the outcome.
 *
 * Errors   JEBM_EIO (disk full, quota, file size limit, ...): path then holds what it held. */
JEBM_API jebm_status jebm_atomic_commit(jebm_atomic_file *file, jebm_error *err);

/* Give up: remove the part. Takes a zeroed or already committed file. */
JEBM_API void jebm_atomic_abandon(jebm_atomic_file *file);

/* The three above for bytes at hand. */
JEBM_API jebm_status jebm_atomic_write(const char *path, const void *bytes, size_t size,
                                       jebm_error *err);

#ifdef __cplusplus
}
#endif

#endif
