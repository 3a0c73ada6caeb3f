/* SHA-256 (FIPS 180-4): fingerprints of settings, files and checkpoints.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_IO_DIGEST_H
#define JEBM_IO_DIGEST_H

#include "core/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JEBM_DIGEST_TEXT 65 /* 64 lower-case hexadecimal digits and the final 0 */

typedef struct jebm_digest {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
} jebm_digest;

JEBM_API void jebm_digest_init(jebm_digest *digest);
JEBM_API void jebm_digest_add(jebm_digest *digest, const void *bytes, size_t size);
/* Writes the digest as text; the digest must be initialised again before another use. */
JEBM_API void jebm_digest_text(jebm_digest *digest, char text[JEBM_DIGEST_TEXT]);

/* All three for bytes at hand, and for a file.
 *
 * Errors   JEBM_EIO if the file cannot be read. */
JEBM_API void jebm_digest_bytes(const void *bytes, size_t size, char text[JEBM_DIGEST_TEXT]);
JEBM_API jebm_status jebm_digest_file(const char *path, char text[JEBM_DIGEST_TEXT],
                                      jebm_error *err);

#ifdef __cplusplus
}
#endif

#endif
