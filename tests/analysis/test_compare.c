/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compare.h"

#include "fixture.h"

#include <math.h>

static const char csv[] = "method,variant,run,step,p,q\n"
                          "cd,-,0,0,0.5,nan\ncd,-,0,10,0.25,1000\ncd,-,0,20,0.125,inf\n";
static const fixture base = {"quick", "code", "fig06", csv, 1, NULL, NULL, NULL};
static const jebm_tolerance exact = {0, 0, INFINITY};

static scratch places[2];
static char *text;

static void setup(void) {
    places[0] = scratch_new();
    places[1] = scratch_new();
}

static void teardown(void) {
    free(text);
    scratch_free(&places[0]);
    scratch_free(&places[1]);
}

TestSuite(compare, .init = setup, .fini = teardown);

static void put(size_t which, const char *figure, const char *table) {
    fixture f = base;
    f.figure = figure;
    f.csv = table;
    fixture_put(&places[which], &f);
}

static size_t beyond(const jebm_tolerance *tolerance) {
    const char *path = scratch_path(&places[0], "out");
    FILE *out = fopen(path, "w");
    size_t n;
    jebm_error err = {0};
    cr_assert_not_null(out);
    cr_assert_eq(jebm_compare(out, places[0].directory, places[1].directory, tolerance, &n, &err),
                 JEBM_OK, "%s", err.text);
    fclose(out);
    free(text);
    text = scratch_get(path, NULL);
    return n;
}

static void expect(const jebm_tolerance *tolerance, size_t n, const char *words) {
    const size_t found = beyond(tolerance);
    cr_expect_eq(found, n, "%zu beyond\n%s", found, text);
    cr_expect_not_null(strstr(text, words), "wanted '%s' in\n%s", words, text);
}

Test(compare, equal_trees_are_equal_whatever_nan_and_infinity) {
    put(0, "fig06", csv);
    put(1, "fig06", csv);
    expect(&exact, 0, "\n2 columns of 1 CSVs: 2 equal, 0 differ, 0 beyond rtol 0, atol 0\n");
}

Test(compare, the_tolerance_decides_and_the_largest_excess_comes_first) {
    put(0, "fig06", csv);
    put(1, "fig06",
        "method,variant,run,step,p,q\n"
        "cd,-,0,0,0.5,nan\ncd,-,0,10,0.2501,1001\ncd,-,0,20,0.125,inf\n");
    // 1e-4 of 0.2501, and 1 of 1001: relative 4.0e-4 and 1.0e-3
    const jebm_tolerance wide = {1.1e-3, 0, INFINITY}, middle = {5e-4, 0, INFINITY},
                         absolute = {0, 1e-3, INFINITY}, early = {0, 0, 9};
    expect(&wide, 0, "within: quick/code/fig06/trajectory.csv q: 1000 and 1001, differ by 1 at ");
    expect(&middle, 1,
           "beyond: quick/code/fig06/trajectory.csv q: 1000 and 1001, differ by 1 at "
           "method cd, variant -, run 0, step 10\nwithin: quick/code/fig06/"
           "trajectory.csv p: 0.25 and 0.2501, differ by 0.0001 at ");
    expect(&absolute, 1, "beyond: quick/code/fig06/trajectory.csv q");
    expect(&exact, 2, "2 differ, 2 beyond");
    expect(&early, 0, "2 equal");
}

Test(compare, nan_and_infinity_agree_with_themselves_only) {
    put(0, "fig06", csv);
    put(1, "fig06",
        "method,variant,run,step,p,q\n"
        "cd,-,0,0,0.5,1\ncd,-,0,10,0.25,1000\ncd,-,0,20,0.125,-inf\n");
    const jebm_tolerance huge = {1, 1e300, INFINITY};
    expect(&huge, 1, "beyond: quick/code/fig06/trajectory.csv q: nan and 1");
}

Test(compare, rows_that_do_not_belong_together_are_told) {
    put(0, "fig06", csv);
    put(1, "fig06", "method,variant,run,step,p,q\ncd,-,0,0,0.5,nan\ncd,-,0,11,0.25,1000\n");
    expect(&exact, 1,
           "differs: quick/code/fig06/trajectory.csv: found 3 rows and 2, which part at "
           "line 3\n");
}

Test(compare, what_only_one_tree_holds_is_listed_and_counts_for_nothing) {
    put(0, "fig06", csv);
    put(1, "fig06",
        "method,variant,run,step,p,r\ncd,-,0,0,0.5,1\ncd,-,0,10,0.25,1\ncd,-,0,20,0.125,"
        "1\n");
    put(0, "fig07", csv);
    put(1, "fig08", csv);
    expect(&exact, 0, "only in the first: quick/code/fig07\n");
    cr_expect_not_null(strstr(text, "only in the second: quick/code/fig08\n"), "%s", text);
    cr_expect_not_null(
        strstr(text, "only in the first: quick/code/fig06/trajectory.csv column q\n"), "%s", text);
    cr_expect_not_null(strstr(text, "only in the second: quick/code/fig06/trajectory.csv column r"),
                       "%s", text);
}

Test(compare, trees_with_nothing_in_common_are_refused) {
    put(0, "fig06", csv);
    size_t n;
    jebm_error err = {0};
    FILE *out = fopen("/dev/null", "w");
    cr_assert_not_null(out);
    cr_expect_eq(jebm_compare(out, places[0].directory, places[1].directory, &exact, &n, &err),
                 JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, "found no manifest.json"), "%s", err.text);
    put(1, "fig07", csv);
    cr_expect_eq(jebm_compare(out, places[0].directory, places[1].directory, &exact, &n, &err),
                 JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, "in common"), "%s", err.text);
    fclose(out);
}
