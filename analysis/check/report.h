/* Verdicts as a table, JSON and Markdown, and against an earlier JSON.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_REPORT_H
#define JEBM_ANALYSIS_REPORT_H

#include "judge.h"

#include <stdio.h>

/* A table of at most 100 columns, with the tally of the verdicts below it. */
void jebm_report_table(FILE *out, const jebm_judgement *list, size_t n);

/* What each claim says, its source and how it is measured. */
void jebm_report_list(FILE *out, const jebm_claims *claims);

/* Files that appear whole or not at all. Errors: JEBM_EIO. */
jebm_status jebm_report_json(const char *path, const jebm_judgement *list, size_t n,
                             jebm_error *err);
jebm_status jebm_report_markdown(const char *path, const jebm_judgement *list, size_t n,
                                 jebm_error *err);

/* A line a section of the claims file, its verdicts at each fidelity counted; same errors. */
jebm_status jebm_report_brief(const char *path, const jebm_judgement *list, size_t n,
                              jebm_error *err);

/* What a comparison with a baseline came to, in claims. */
typedef struct jebm_losses {
    size_t compared, lost;
    size_t apart; /* that only one of the two has, or has at another scale: no loss */
} jebm_losses;

/* Compare with the verdicts of an earlier jebm_report_json() at the same scale: prints a line for
 * each claim that got worse, for each that cannot be compared, and the sums; of the baseline's
 * claims that are not in the list only if all claims were judged (`whole`). Errors: JEBM_EIO,
 * JEBM_EFORMAT for a baseline that is no such file, JEBM_ENOMEM. */
jebm_status jebm_report_compare(FILE *out, const char *path, const jebm_judgement *list, size_t n,
                                bool whole, jebm_losses *losses, jebm_error *err);

#endif
