/* Distinct words in the order in which they came.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_WORDS_H
#define JEBM_ANALYSIS_WORDS_H

#include <stdio.h>

typedef struct jebm_words {
    const char **list; /* [n], borrowed; the array is the caller's to free */
    size_t n;
} jebm_words;

/* Out of memory, a word less is shown. */
void jebm_words_add(jebm_words *all, const char *word);

/* All of them, escaped; the separator is HTML. */
void jebm_words_put(FILE *out, const jebm_words *all, const char *separator);

#endif
