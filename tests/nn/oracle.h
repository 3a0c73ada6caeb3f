/* A network evaluated the slow way: in double, image by image, by the definition of each layer. It
 * shares no code with src/nn, and reads the same specs (without checking them).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TEST_ORACLE_H
#define JEBM_TEST_ORACLE_H

#include <stddef.h>

/* y[outputs] at x [channels][height][width] with theta, both in double. Returns the outputs' count,
 * 0 if a layer is not known. */
size_t oracle_outputs(const char *spec, const size_t shape[3], const double *theta, const double *x,
                      double *y);

#endif
