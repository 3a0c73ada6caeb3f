/* Grids of images as PNG, with captions. The same grid gives the same bytes (for one libpng and
 * zlib): no time, no name of a program goes into the file.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_IO_IMAGE_H
#define JEBM_IO_IMAGE_H

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jebm_grid {
    size_t rows, columns; /* cells */
    size_t channels, height,
        width; /* of a cell's image; 1 channel is grey, 3 are red, green, blue */
    size_t zoom; /* an image's pixel is zoom x zoom pixels */
    size_t gap; /* pixels between cells and around all */
    const float *const *cells; /* [rows * columns], each [channels][height][width] on [-1, 1], drawn
                                  as round((x + 1) * 127.5); NULL leaves a cell blank */
    const char *const *captions; /* [rows * columns] below the cells, printable ASCII; NULL: none,
                                    of all or of one */
    const char *title; /* above all; NULL: none */
    size_t text_zoom; /* a character is 5 x 7 times this; 0: 1 */
} jebm_grid;

/* Extents of the picture in pixels. A column is as wide as the widest of image and captions, the
 * picture as wide as its title; cells and texts are centred in their columns, the title is flush
 * left.
 *
 * Errors   JEBM_EINVAL for an extent of 0, other channels than 1 and 3, a text that is not
 * printable ASCII, more than 2^28 pixels. */
JEBM_API jebm_status jebm_grid_size(const jebm_grid *grid, size_t *height, size_t *width,
                                    jebm_error *err);

/* Write the picture (io/atomic_file.h).
 *
 * Errors   as above; JEBM_EINVAL for a value outside [-1, 1] or NaN, JEBM_EIO, JEBM_ENOMEM. */
JEBM_API jebm_status jebm_grid_write(const char *path, const jebm_grid *grid, jebm_error *err);

#ifdef __cplusplus
}
#endif

#endif
