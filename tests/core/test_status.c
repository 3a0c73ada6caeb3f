/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/status.h"

#include <criterion/criterion.h>
#include <string.h>

/* the exit statuses that the programs document */
static const struct {
    jebm_status status;
    int exit_status;
    const char *word; /* in its text */
} expected[] = {
    {JEBM_OK, 0, "success"},
    {JEBM_EINVAL, 2, "invalid"},
    {JEBM_ENOMEM, 1, "memory"},
    {JEBM_EIO, 1, "input or output"},
    {JEBM_EFORMAT, 1, "malformed"},
    {JEBM_EMISMATCH, 1, "another run"},
    {JEBM_EDIVERGE, 1, "diverged"},
    {JEBM_EUNSUPPORTED, 1, "not supported"},
    {JEBM_EINTERRUPT, 130, "interrupted"},
    {JEBM_ECLAIM, 3, "verdict"},
};
#define COUNT (sizeof expected / sizeof *expected)

Test(status, every_code_has_its_text_and_exit_status) {
    for (size_t i = 0; i < COUNT; i++) {
        const char *text = jebm_status_text(expected[i].status);
        cr_expect_eq((size_t)expected[i].status, i);
        cr_expect_eq(jebm_status_exit(expected[i].status), expected[i].exit_status, "%s", text);
        cr_expect_not_null(strstr(text, expected[i].word), "%s", text);
        cr_expect_null(strchr(text, '\n'));
    }
}

Test(status, an_unknown_code_is_a_run_time_failure_with_a_text) {
    const jebm_status unknown[] = {(jebm_status)COUNT, (jebm_status)-1, (jebm_status)1000};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        cr_expect_eq(jebm_status_exit(unknown[i]), 1);
        cr_expect_str_eq(jebm_status_text(unknown[i]), "unknown status");
    }
}

Test(status, fail_fills_the_line_and_hands_the_status_on) {
    jebm_error err;
    cr_expect_eq(jebm_fail(&err, JEBM_EIO, "%s:%d: %g", "file", 12, 0.5), JEBM_EIO);
    cr_expect_eq(err.status, JEBM_EIO);
    cr_expect_str_eq(err.text, "file:12: 0.5");
    cr_expect_eq(jebm_fail(NULL, JEBM_ECLAIM, "%s", "nobody listens"), JEBM_ECLAIM);
}

Test(status, a_line_too_long_is_cut) {
    jebm_error err;
    char line[2000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    cr_expect_eq(jebm_fail(&err, JEBM_EINVAL, "%s", line), JEBM_EINVAL);
    cr_expect_eq(strlen(err.text), sizeof err.text - 1);
}

static jebm_status passes_on(jebm_status inner, int *reached) {
    JEBM_TRY(inner);
    *reached = 1;
    return JEBM_OK;
}

Test(status, try_leaves_with_the_first_failure_only) {
    int reached = 0;
    cr_expect_eq(passes_on(JEBM_EFORMAT, &reached), JEBM_EFORMAT);
    cr_expect_eq(reached, 0);
    cr_expect_eq(passes_on(JEBM_OK, &reached), JEBM_OK);
    cr_expect_eq(reached, 1);
}
