/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tree.h"

#include "fixture.h"

static const char csv[] = "method,variant,run,step,p\ncd,-,0,0,0.5\n";
static const char other_csv[] = "method,variant,run,step,p\ncd,-,0,0,0.6\n";
static const fixture base = {"quick", "code", "fig06", csv, 1, NULL, NULL, NULL};

static scratch place;
static jebm_tree tree;

static void setup(void) {
    place = scratch_new();
}

static void teardown(void) {
    jebm_tree_free(&tree);
    scratch_free(&place);
}

TestSuite(tree, .init = setup, .fini = teardown);

/* a result in a directory of any name */
static void put_at(const fixture *f, const char *directory) {
    char path[512], from[512], command[4096];
    fixture_put(&place, f);
    snprintf(from, sizeof from, "%s/%s/%s/%s", place.directory, f->scale, f->fidelity, f->figure);
    snprintf(path, sizeof path, "%s/%s", place.directory, directory);
    snprintf(command, sizeof command, "mkdir -p '%s' && mv '%s'/* '%s' && rmdir '%s'", path, from,
             path, from);
    cr_assert_eq(system(command), 0, "%s", command);
}

static void walk(void) {
    jebm_error err = {0};
    jebm_tree_free(&tree);
    cr_assert_eq(jebm_tree_walk(place.directory, &tree, &err), JEBM_OK, "%s", err.text);
}

static void expect_chosen(const char *path) {
    walk();
    const jebm_found *f = jebm_tree_find(&tree, "quick", "code", "fig06");
    cr_assert_not_null(f);
    cr_expect_str_eq(f->path, path);
}

static void expect_conflict(const char *words) {
    jebm_error err = {0};
    jebm_tree_free(&tree);
    cr_expect_eq(jebm_tree_walk(place.directory, &tree, &err), JEBM_EINVAL);
    cr_expect_not_null(strstr(err.text, words), "found '%s', wanted '%s'", err.text, words);
}

Test(tree, the_manifest_says_what_a_directory_holds_wherever_it_lies) {
    put_at(&base, "a/b/c d/e");
    expect_chosen("a/b/c d/e");
    cr_expect_null(jebm_tree_find(&tree, "paper", "code", "fig06"));
    jebm_error err = {0};
    char below[1024];
    snprintf(below, sizeof below, "%s/a/b/c d/e", place.directory);
    jebm_tree_free(&tree);
    cr_assert_eq(jebm_tree_walk(below, &tree, &err), JEBM_OK, "%s", err.text);
    cr_expect_str_eq(jebm_tree_find(&tree, "quick", "code", "fig06")->path, ".");
}

Test(tree, nothing_is_found_where_there_is_nothing) {
    walk();
    cr_expect_eq(tree.n, 0);
    jebm_error err = {0};
    cr_expect_eq(jebm_tree_walk("/nowhere/at/all", &tree, &err), JEBM_OK);
    cr_expect_eq(jebm_tree_expect(&tree, "d", NULL, &err), JEBM_EINVAL);
    cr_expect_str_eq(err.text,
                     "d: found no manifest.json in it or below: run ./reproduce first, or "
                     "give the --results that it wrote");
    fixture_put(&place, &base);
    walk();
    cr_expect_eq(jebm_tree_expect(&tree, "d", NULL, &err), JEBM_OK);
    cr_expect_eq(jebm_tree_expect(&tree, "d", "quick", &err), JEBM_OK);
    cr_expect_eq(jebm_tree_expect(&tree, "d", "paper", &err), JEBM_EINVAL);
    cr_expect_str_eq(err.text, "d: found no results at scale paper, only at quick");
}

Test(tree, a_copy_gives_way_to_the_usual_place_and_different_data_are_refused) {
    put_at(&base, "a/copy");
    fixture_put(&place, &base);
    expect_chosen("quick/code/fig06");
    cr_expect_eq(tree.n, 2);
    fixture f = base;
    f.csv = other_csv;
    put_at(&f, "b/again");
    expect_conflict("two results of quick/code/fig06 with different data, a/copy and b/again");
    // between a copy and a result elsewhere, as well
    fixture_put(&place, &base);
    expect_conflict(
        "with different data, quick/code/fig06 and b/again: give --results a directory");
}

Test(tree, overridden_settings_and_unfinished_runs_give_way) {
    fixture f = base;
    f.csv = other_csv;
    f.overrides = "\"h=0.5\"";
    put_at(&f, "a/other-h");
    expect_chosen("a/other-h");
    put_at(&base, "b/plain");
    expect_chosen("b/plain");
    f = base;
    f.complete = "false";
    fixture_put(&place, &f);
    expect_chosen("b/plain");
    f = base;
    f.csv = other_csv;
    f.overrides = "\"runs=1\"";
    put_at(&f, "c/more-runs");
    expect_conflict("b/plain and c/more-runs");
}

Test(tree, a_manifest_that_is_cut_or_foreign_is_named) {
    fixture_put(&place, &base);
    char *path = fixture_path(&place, &base, "manifest.json");
    const char *texts[] = {"{\"scale\": \"qui", "{}", "[]", "{\"scale\": 3}",
                           "{\"scale\": \"a/b\", \"fidelity\": \"c\", \"figure\": \"d\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        jebm_error err = {0};
        scratch_put(path, texts[i], strlen(texts[i]));
        cr_expect_eq(jebm_tree_walk(place.directory, &tree, &err), JEBM_EFORMAT, "%s", texts[i]);
        cr_expect_not_null(strstr(err.text, "fig06/manifest.json"), "%s", err.text);
    }
}

Test(tree, links_in_a_circle_are_not_followed) {
    fixture_put(&place, &base);
    char command[2048];
    snprintf(command, sizeof command, "ln -s . %s/quick/self", place.directory);
    cr_assert_eq(system(command), 0);
    expect_chosen("quick/code/fig06");
    cr_expect_eq(tree.n, 1);
}
