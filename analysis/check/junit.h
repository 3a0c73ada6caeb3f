/* Verdicts as JUnit XML, which continuous integration shows.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_JUNIT_H
#define JEBM_ANALYSIS_JUNIT_H

#include "judge.h"

/* One test suite a figure, one case a claim, in a file that appears whole or not at all. What does
 * not hold is a failure; what was not run is skipped; what is unclear passes, with its words.
 * Errors: JEBM_ENOMEM, JEBM_EIO. */
jebm_status jebm_junit_write(const char *path, const jebm_judgement *list, size_t n,
                             jebm_error *err);

#endif
