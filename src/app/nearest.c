/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/nearest.h"

#include <stdio.h>
#include <string.h>

#define LONGEST 63

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Optimal string alignment distance, three rows at a time; words longer than LONGEST are cut. */
static size_t distance(const char *a, const char *b) {
    const size_t m = least(strlen(a), LONGEST), n = least(strlen(b), LONGEST);
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= n; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= m; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= n; j++) {
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = least(now[j], before[j - 2] + 1);
            }
        }
    }
    return rows[m % 3][n];
}

const char *jebm_nearest(const char *word, const char *const *candidates, size_t n) {
    const size_t third = strlen(word) / 3;
    size_t best = (third > 2 ? third : 2) + 1;
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        const size_t d = distance(word, candidates[i]);
        // all letters replaced is no likeness
        if (d < best && d < strlen(candidates[i])) {
            best = d;
            found = candidates[i];
        }
    }
    return found;
}

const char *jebm_nearest_hint(const char *word, const char *const *candidates, size_t n,
                              char hint[JEBM_HINT_TEXT]) {
    const char *found = jebm_nearest(word, candidates, n);
    hint[0] = '\0';
    if (found != NULL) {
        snprintf(hint, JEBM_HINT_TEXT, " (did you mean '%.80s'?)", found);
    }
    return hint;
}
