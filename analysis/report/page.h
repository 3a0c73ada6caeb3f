/* The report: one HTML page from judged claims and a catalogue of results. Equal inputs give equal
 * bytes; dates are those of the manifests.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_PAGE_H
#define JEBM_ANALYSIS_PAGE_H

#include "catalogue.h"
#include "judge.h"

#include <stdio.h>

/* One sorts, filters and enlarges, one draws curves. */
enum { JEBM_PAGE_SCRIPTS = 2 };

typedef struct jebm_page {
    const jebm_catalogue *catalogue;
    const jebm_judgement *list; /* [n] */
    size_t n;
    const char *style; /* text of the style sheet */
    const char *scripts[JEBM_PAGE_SCRIPTS]; /* texts of the scripts, in their order */
    const char *root; /* from the page to the results, as a link; NULL: no file is linked */
} jebm_page;

void jebm_page_put(FILE *out, const jebm_page *page);

#endif
