/* "Did you mean": the known word nearest to an unknown one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_NEAREST_H
#define JEBM_APP_NEAREST_H

#include <stddef.h>

#define JEBM_HINT_TEXT 112

/* The candidate with the fewest insertions, deletions, substitutions and swaps of neighbours, the
 * first of equals; NULL if the best needs more than a third of the word's length (but 2 at least
 * are allowed). */
const char *jebm_nearest(const char *word, const char *const *candidates, size_t n);

/* The same as " (did you mean 'x'?)", or "". Returns hint. */
const char *jebm_nearest_hint(const char *word, const char *const *candidates, size_t n,
                              char hint[JEBM_HINT_TEXT]);

#endif
