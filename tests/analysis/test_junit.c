/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "junit.h"

#include "../io/scratch.h"

#include <string.h>

static char says[] = "a < b & \"c\"", source[] = "s", quantity[] = "last(p)", predicate[] = "< 1";
static jebm_claim claims[4];
static jebm_judgement list[4];
static scratch place;

static void setup(void) {
    static const jebm_verdict verdicts[4] = {JEBM_VERDICT_WITHIN, JEBM_VERDICT_DEVIATES,
                                             JEBM_VERDICT_NOT_RUN, JEBM_VERDICT_UNDERPOWERED};
    place = scratch_new();
    for (size_t i = 0; i < 4; i++) {
        claims[i] = (jebm_claim){.figure = "fig06",
                                 .says = says,
                                 .source = source,
                                 .quantity = quantity,
                                 .predicate = predicate};
        snprintf(claims[i].id, sizeof claims[i].id, "claim-%zu/c=<1>@paper", i);
        list[i] = (jebm_judgement){.claim = &claims[i], .verdict = verdicts[i]};
    }
    strcpy(claims[3].figure, "fig07");
    strcpy(list[2].reason, "no data & no \x01 wonder");
}

static void teardown(void) {
    scratch_free(&place);
}

TestSuite(junit, .init = setup, .fini = teardown);

Test(junit, failures_are_what_does_not_hold_and_skipped_what_was_not_run) {
    const char *path = scratch_path(&place, "v.xml");
    cr_assert_eq(jebm_junit_write(path, list, 4, NULL), JEBM_OK);
    char *text = scratch_get(path, NULL);
    const char *const expected[] = {
        "<testsuites name=\"jebm-check\" tests=\"4\" failures=\"1\" errors=\"0\">",
        "<testsuite name=\"fig06\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\">",
        "<testsuite name=\"fig07\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\">",
        "<testcase classname=\"fig06\" name=\"claim-0/c=&lt;1&gt;@paper\">",
        "<failure message=\"deviates; holds if &lt; 1\">a &lt; b &amp; &quot;c&quot;</failure>",
        "<skipped message=\"not run; holds if &lt; 1; no data &amp; no   wonder\">",
        "underpowered; holds if &lt; 1</system-out>"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        cr_expect_not_null(strstr(text, expected[i]), "wanted %s in\n%s", expected[i], text);
    }
    free(text);
}

/* by a parser that is not ours, where there is one */
Test(junit, is_well_formed_xml) {
    const char *path = scratch_path(&place, "v.xml");
    cr_assert_eq(jebm_junit_write(path, list, 4, NULL), JEBM_OK);
    char command[2048];
    snprintf(command, sizeof command,
             "if command -v xmllint >/dev/null; then xmllint --noout %s; "
             "elif command -v python3 >/dev/null; then "
             "python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' %s; fi",
             path, path);
    cr_expect_eq(system(command), 0);
}
