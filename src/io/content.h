/* A file that may be stored compressed: PATH, or, where there is no PATH, PATH.gz. Whoever reads
 * results by these functions need not know which of the two is there.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_IO_CONTENT_H
#define JEBM_IO_CONTENT_H

#include "core/status.h"
#include "io/digest.h"

#include <stdbool.h>
#include <stddef.h>

#define JEBM_PACKED_SUFFIX ".gz"

/* Is PATH absent and PATH.gz there? */
JEBM_API bool jebm_content_packed(const char *path);

/* The path of the one that is there, for messages; PATH where neither is. The caller frees it; NULL
 * when memory ran out. */
JEBM_API char *jebm_content_name(const char *path);

/* All bytes, a 0 byte after them; the caller frees them.
 *
 *   *bytes  out  NULL on failure
 *
 * Errors   JEBM_EIO if it cannot be read; JEBM_EFORMAT if the compressed file is cut or damaged;
 *          JEBM_ENOMEM. */
JEBM_API jebm_status jebm_content_read(const char *path, char **bytes, size_t *size,
                                       jebm_error *err);

/* SHA-256 of the bytes, whichever way they are stored. Errors as above. */
JEBM_API jebm_status jebm_content_digest(const char *path, char text[JEBM_DIGEST_TEXT],
                                         jebm_error *err);

/* Replace PATH by PATH.gz, or the other way round; the new file is read back before the old one
 * goes. Equal bytes give equal compressed bytes: no name and no time stand in them. */
JEBM_API jebm_status jebm_content_pack(const char *path, jebm_error *err);
JEBM_API jebm_status jebm_content_unpack(const char *path, jebm_error *err);

#endif
