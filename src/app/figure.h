/* Drawing a figure from the files of a run.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_FIGURE_H
#define JEBM_APP_FIGURE_H

#include "core/status.h"

#include <stdbool.h>

/* Run `gnuplot -c <share>/analysis/figures/FIGURE.gp DIRECTORY`, which writes DIRECTORY/FIGURE.png,
 * .svg and .pdf.
 *
 *   note    out  what came of it, one line: "drawn", or why not
 *   warned  out  true if there is nothing to draw with (no gnuplot, no script): a warning, no error
 *
 * Errors   JEBM_EIO if gnuplot fails or leaves a file out. */
jebm_status jebm_figure_draw(const char *figure, const char *directory, char note[256],
                             bool *warned, jebm_error *err);

#endif
