/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "words.h"

#include "html.h"

#include <stdlib.h>
#include <string.h>

void jebm_words_add(jebm_words *all, const char *word) {
    for (size_t i = 0; i < all->n; i++) {
        if (strcmp(all->list[i], word) == 0) {
            return;
        }
    }
    const char **list = realloc(all->list, (all->n + 1) * sizeof *list);
    if (list != NULL) {
        all->list = list;
        all->list[all->n++] = word;
    }
}

void jebm_words_put(FILE *out, const jebm_words *all, const char *separator) {
    for (size_t i = 0; i < all->n; i++) {
        fputs(i > 0 ? separator : "", out);
        jebm_html_text(out, all->list[i]);
    }
}
