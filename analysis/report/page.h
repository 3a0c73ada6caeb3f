/* The report: one HTML page from judged claims and a catalogue of results. Equal inputs give equal
 * bytes; dates are those of the manifests.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_PAGE_H
#define JEBM_ANALYSIS_PAGE_H

#include "catalogue.h"
#include "judge.h"

#include <stdio.h>

typedef struct jebm_page {
    const jebm_catalogue *catalogue;
    const jebm_judgement *list; /* [n] */
    size_t n;
    const char *style, *script; /* text of the style sheet and the script */
} jebm_page;

void jebm_page_put(FILE *out, const jebm_page *page);

#endif
