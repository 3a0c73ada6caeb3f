/* IDX files, the form of MNIST: two zero bytes, a type, a rank, the extents (32 bits, most
 * significant byte first), the elements; plain or gzip, told apart by their first two bytes.
 *
 * Only unsigned bytes are read. A file is right to its last byte or refused: foreign, of another
 * rank, cut, with bytes after its end, damaged (where gzip's checksum can tell). Memory grows with
 * what is really there and never with what a header claims.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_IDX_H
#define JEBM_IDX_H

#include "core/status.h"
#include "io/digest.h"

#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JEBM_IDX_RANK 3
#define JEBM_IDX_SIZE_MAX ((size_t)1 << 30) /* elements; more is refused */

typedef struct jebm_idx {
    size_t rank, shape[JEBM_IDX_RANK]; /* extents are positive */
    uint8_t *data; /* row-major */
} jebm_idx;

/* Read a file of this rank (1: labels, 3: images).
 *   digest  in and out  takes the uncompressed content; may be NULL
 * On failure out is zeroed.
 *
 * Errors   JEBM_EIO if it cannot be read; JEBM_EFORMAT with file, byte, what was found and
 * expected; JEBM_ENOMEM. */
JEBM_API jebm_status jebm_idx_read(const char *path, size_t rank, jebm_idx *out,
                                   jebm_digest *digest, jebm_error *err);

/* The same from an open stream, to its end; name is for messages. */
JEBM_API jebm_status jebm_idx_read_stream(FILE *stream, const char *name, size_t rank,
                                          jebm_idx *out, jebm_digest *digest, jebm_error *err);

/* Takes a zeroed one. */
JEBM_API void jebm_idx_free(jebm_idx *idx);

#ifdef __cplusplus
}
#endif

#endif
