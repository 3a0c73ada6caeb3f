/* The content of a file, plain or gzip, told apart by the first two bytes. What gzip's checksum and
 * length can find (a cut, a flipped bit, bytes after the end) is an error.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_IO_SOURCE_H
#define JEBM_IO_SOURCE_H

#include "core/status.h"
#include "io/digest.h"

#include <stdint.h>
#include <stdio.h>

#define JEBM_SOURCE_BUFFER (1 << 15) /* bytes that are read at a time */

typedef struct jebm_source jebm_source;

/* Begin to read a stream.
 *
 *   name    in             for messages; borrowed, as is advice
 *   advice  in             ends each message about damage: "; fetch it anew"
 *   digest  in and out     takes the content; may be NULL
 *
 * Errors   JEBM_EIO, JEBM_ENOMEM; *source is then NULL. */
jebm_status jebm_source_open(FILE *stream, const char *name, const char *advice,
                             jebm_digest *digest, jebm_source **source, jebm_error *err);
void jebm_source_close(jebm_source *source); /* leaves the stream open; takes NULL */

/* The next bytes of content; *got is less than size only where the content ends.
 *
 * Errors   JEBM_EIO; JEBM_EFORMAT with the byte of the file for damage; JEBM_ENOMEM. */
jebm_status jebm_source_take(jebm_source *source, unsigned char *bytes, size_t size, size_t *got,
                             jebm_error *err);

/* Bytes of content taken so far. */
uint64_t jebm_source_taken(const jebm_source *source);

#endif
