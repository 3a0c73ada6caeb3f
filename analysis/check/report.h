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

/* Compare with the verdicts of an earlier jebm_report_json(): prints one line for each claim that
 * got worse and, if all claims were judged (`whole`), for each that is gone; counts them in *lost.
 * Errors: JEBM_EIO, JEBM_EFORMAT for a baseline that is no such file. */
jebm_status jebm_report_compare(FILE *out, const char *path, const jebm_judgement *list, size_t n,
                                bool whole, size_t *lost, jebm_error *err);

#endif
