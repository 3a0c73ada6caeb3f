/* A bitmap font for captions: printable ASCII in cells of 5 x 7 pixels.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_IO_FONT_H
#define JEBM_IO_FONT_H

#include <stdbool.h>
#include <stddef.h>

#define JEBM_FONT_WIDTH 5
#define JEBM_FONT_HEIGHT 7
#define JEBM_FONT_ADVANCE 6 /* from one character to the next */

/* Is there ink at this row and column of the character? Others than printable ASCII have none. */
bool jebm_font_ink(char character, size_t row, size_t column);

#endif
