/* jebm-check as a user meets it: exit statuses and what is printed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "fixture.h"

#include <sys/wait.h>

static const char csv[] = "method,variant,run,step,p\n"
                          "cd,-,0,0,0.5\ncd,-,0,4,0.48\n"
                          "cd,-,1,0,0.5\ncd,-,1,4,0.49\n";
static const char claims[] = "[x]\nfigure = fig06\nfidelity = code\nsource = Fig. 6\nkind = ours\n"
                             "says = it stays\nmethod = cd\nquantity = last(p)\n"
                             "predicate = > 0.1\n";
static const fixture base = {"paper", "code", "fig06", csv, 2, NULL, NULL, NULL};

static scratch place;
static char *out;

static void setup(void) {
    place = scratch_new();
    fixture_put(&place, &base);
    scratch_put(scratch_path(&place, "claims.ini"), claims, strlen(claims));
}

static void teardown(void) {
    free(out);
    scratch_free(&place);
}

TestSuite(program, .init = setup, .fini = teardown);

/* run jebm-check with options, %s standing for the scratch directory; its output goes to out */
static int check(const char *options) {
    char words[1024] = "", command[2048];
    const char *program = getenv("JEBM_CHECK");
    cr_assert_not_null(program, "set JEBM_CHECK to the program");
    for (const char *at = options; *at != '\0';) {
        const char *hole = strstr(at, "%s");
        const int n = hole ? (int)(hole - at) : (int)strlen(at);
        const size_t used = strlen(words);
        snprintf(words + used, sizeof words - used, "%.*s%s", n, at, hole ? place.directory : "");
        at += n + (hole ? 2 : 0);
    }
    snprintf(command, sizeof command, "'%s' --results %s %s > %s/out 2>&1", program,
             place.directory, words, place.directory);
    const int outcome = system(command);
    cr_assert(WIFEXITED(outcome), "%s", command);
    free(out);
    out = scratch_get(scratch_path(&place, "out"), NULL);
    return WEXITSTATUS(outcome);
}

static void expect(const char *options, int exit_status, const char *words) {
    const int found = check(options);
    cr_expect_eq(found, exit_status, "%s: exit %d\n%s", options, found, out);
    cr_expect_not_null(strstr(out, words), "%s: wanted '%s' in\n%s", options, words, out);
}

Test(program, judges_and_exits_0_whatever_the_verdict) {
    expect("--claims %s/claims.ini", 0, "1 claims: 1 within");
    const fixture other = {"quick", "code", "fig07", csv, 2, NULL, NULL, NULL};
    fixture_put(&place, &other);
    expect("--claims %s/claims.ini --scale quick", 0,
           "no data for fig06 at fidelity code and scale quick");
    expect("--claims %s/claims.ini --list", 0, "it stays");
}

Test(program, one_claim_without_an_answer_stops_no_other) {
    char two[1024];
    snprintf(two, sizeof two,
             "[early]\nfigure = fig06\nfidelity = code\nsource = Fig. 6\nkind = ours\nsays = s\n"
             "method = cd\nquantity = slope(p, 1600, K)\npredicate = > 0.1\n%s",
             claims);
    scratch_put(scratch_path(&place, "claims.ini"), two, strlen(two));
    expect("--claims %s/claims.ini --json %s/v.json", 0, "2 claims: 1 within, 1 not run");
    cr_expect_not_null(strstr(out, "    paper/code/fig06 has 0 recorded steps from 1600 to 4"),
                       "%s", out);
    char *json = scratch_get(scratch_path(&place, "v.json"), NULL);
    cr_expect_not_null(strstr(json, "\"reason\": \"paper/code/fig06 has 0 recorded steps"), "%s",
                       json);
    free(json);
}

Test(program, the_summary_stands_in_the_place_of_the_table) {
    expect("--claims %s/claims.ini --summary --json %s/v.json", 0, "\nfig06 ");
    cr_expect_null(strstr(out, "x@code"), "%s", out);
    expect("--claims %s/claims.ini --summary --baseline %s/v.json", 0, "\nall ");
}

Test(program, help_and_version_answer) {
    expect("--help", 0, "usage: jebm-check");
    expect("--version", 0, "jebm-check ");
}

Test(program, bad_usage_exits_2_with_one_line) {
    expect("--scael quick", 2, "did you mean 'scale'?");
    expect("--scale tiny", 2, "expected one of smoke, quick, reduced, paper");
    expect("--claims", 2, "option --claims needs a value");
    expect("stray", 2, "found argument 'stray'");
    expect("--compare %s", 2, "expected two directories");
    expect("--compare %s %s --rtol -1", 2, "--rtol '-1': expected a number from 0");
    expect("--compare %s %s/nowhere", 2, "found no manifest.json");
    expect("--claims %s/claims.ini --claim y", 2, "found --claim y");
    expect("--claims %s/none.ini", 2, "none.ini");
    cr_expect_eq(strcspn(out, "\n") + 1, strlen(out), "more than one line:\n%s", out);
}

Test(program, changed_data_exit_1) {
    scratch_put(fixture_path(&place, &base, "trajectory.csv"), csv, strlen(csv) - 3);
    expect("--claims %s/claims.ini", 1, "as manifest.json says");
}

Test(program, a_lost_claim_exits_3) {
    expect("--claims %s/claims.ini --json %s/v.json --markdown %s/v.md", 0, "within");
    expect("--claims %s/claims.ini --baseline %s/v.json", 0, "within");
    fixture f = base;
    f.csv = "method,variant,run,step,p\ncd,-,0,0,0.01\ncd,-,1,0,0.01\n";
    fixture_put(&place, &f);
    expect("--claims %s/claims.ini --baseline %s/v.json", 3, "lost: x@code was 'within'");
}

Test(program, numbers_beyond_the_tolerance_exit_3) {
    expect("--compare %s %s", 0, "1 columns of 1 CSVs: 1 equal");
    fixture f = base;
    f.figure = "fig06";
    f.csv = "method,variant,run,step,p\ncd,-,0,0,0.5\ncd,-,0,4,0.47\n"
            "cd,-,1,0,0.5\ncd,-,1,4,0.49\n";
    scratch other = scratch_new();
    char options[512];
    fixture_put(&other, &f);
    snprintf(options, sizeof options, "--compare %%s %s", other.directory);
    expect(options, 3, "differ by 0.01 at method cd, variant -, run 0, step 4");
    snprintf(options, sizeof options, "--compare %%s %s --atol 0.011", other.directory);
    expect(options, 0, "1 differ, 0 beyond");
    snprintf(options, sizeof options, "--compare %%s %s --until 3", other.directory);
    expect(options, 0, "1 equal");
    scratch_free(&other);
}

Test(program, the_shipped_claims_are_read_and_need_no_data) {
    expect("--claims '" CLAIMS_FILE "'", 0, " not run");
    expect("--claims '" CLAIMS_FILE "' --list", 0, "fig06-jarzynski-p/c=0.1@paper");
}

Test(program, results_that_are_absent_or_empty_exit_2) {
    expect("--claims %s/claims.ini --results %s/nowhere", 2,
           "nowhere: found no manifest.json in it or below: run ./reproduce first");
    cr_assert_eq(mkdir(scratch_path(&place, "empty"), 0777), 0);
    expect("--claims %s/claims.ini --results %s/empty", 2, "found no manifest.json");
    expect("--claims %s/claims.ini --scale quick", 2,
           "found no results at scale quick, only at paper");
    cr_expect_eq(strcspn(out, "\n") + 1, strlen(out), "more than one line:\n%s", out);
}

Test(program, results_may_lie_anywhere_below_the_directory) {
    char *from = strdup(scratch_path(&place, "paper/code")), command[2048];
    snprintf(command, sizeof command, "mkdir -p %s/mine/deep && mv %s/fig06 %s/mine/deep/fig06",
             place.directory, from, place.directory);
    cr_assert_eq(system(command), 0, "%s", command);
    free(from);
    expect("--claims %s/claims.ini", 0, "1 claims: 1 within");
    expect("--claims %s/claims.ini --results %s/mine/deep", 0, "1 claims: 1 within");
    expect("--claims %s/claims.ini --results %s/mine/deep/fig06", 0, "1 claims: 1 within");
}
