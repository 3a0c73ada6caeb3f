/* Labelled images, scaled to [-1, 1].
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_IMAGES_H
#define JEBM_IMAGES_H

#include "core/status.h"
#include "data/files.h"
#include "io/digest.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jebm_images {
    size_t n;
    size_t channels, height, width; /* d = channels * height * width */
    float *x; /* [n][d] = pixel / 127.5 - 1 */
    uint8_t *label; /* [n] */
} jebm_images;

JEBM_API void jebm_images_free(jebm_images *images);

/* The images of `nclasses` classes, in this order of classes: of class classes[i] the first
 * counts[i] in file order (0: all). out owns copies.
 *
 * Errors   JEBM_EINVAL if a class has fewer, or none; JEBM_ENOMEM; out is then zeroed. */
JEBM_API jebm_status jebm_images_select(const jebm_images *images, size_t nclasses,
                                        const uint8_t *classes, const size_t *counts,
                                        jebm_images *out, jebm_error *err);

/* MNIST or a data set in its form (data/files.h). Labels are 0 to 9.
 *   digest  out  SHA-256 of the uncompressed content of both files, images first; may be NULL
 *
 * Errors   JEBM_EIO (a missing file is named, and how to get it), JEBM_EFORMAT, JEBM_ENOMEM;
 *          out is then zeroed. */
JEBM_API jebm_status jebm_mnist_load(const char *directory, jebm_split split, jebm_images *out,
                                     char digest[JEBM_DIGEST_TEXT], jebm_error *err);

#ifdef __cplusplus
}
#endif

#endif
