/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/options.h"

#include <criterion/criterion.h>
#include <string.h>

#define MAX_WORDS 16

/* Parse a line cut at blanks. */
static jebm_status parse(const char *line, jebm_options *o, jebm_error *err) {
    static char copy[512];
    static char *words[MAX_WORDS];
    int n = 0;
    words[n++] = (char *)"toy";
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word != NULL && n < MAX_WORDS; word = strtok(NULL, " ")) {
        words[n++] = word;
    }
    return jebm_options_parse(o, n, words, err);
}

Test(options, all_of_them_arrive) {
    jebm_options o;
    jebm_error err = {0};
    cr_assert_eq(
        parse("--scale quick fig06 --fidelity=code --seed 18 --threads 2 --set a=1 --runs 7 "
              "--set=b=2 --out d",
              &o, &err),
        JEBM_OK, "%s", err.text);
    cr_expect_str_eq(o.figure, "fig06");
    cr_expect_str_eq(o.scale, "quick");
    cr_expect_str_eq(o.fidelity, "code");
    cr_expect_str_eq(o.out, "d");
    cr_expect(o.seed == 18 && o.threads == 2 && o.noverrides == 3);
    cr_expect_str_eq(o.overrides[0], "a=1");
    cr_expect_str_eq(o.overrides[1], "b=2");
    cr_expect_str_eq(o.overrides[2], "runs=7");
    cr_expect(!o.resume && !o.force && !o.quiet);
    jebm_options_free(&o);
    cr_assert_eq(parse("--describe fig06 --resume --no-figure --quiet", &o, NULL), JEBM_OK);
    cr_expect(o.describe && o.resume && o.no_figure && o.quiet && o.seed == 1 && o.threads == 0);
    cr_expect(o.runs_from == 0 && o.runs_to == 0 && o.nparts == 0);
    jebm_options_free(&o);
    cr_assert_eq(parse("fig06 --runs-from 3 --runs-to=3", &o, NULL), JEBM_OK);
    cr_expect(o.runs_from == 3 && o.runs_to == 3);
    jebm_options_free(&o);
    cr_assert_eq(parse("fig06 --merge a --merge=b --out c --threads 2 --force", &o, NULL), JEBM_OK);
    cr_assert_eq(o.nparts, 2);
    cr_expect_str_eq(o.parts[0], "a");
    cr_expect_str_eq(o.parts[1], "b");
    jebm_options_free(&o);
}

static const struct {
    const char *line, *found;
} bad[] = {
    {"fig06 --scal quick", "unknown option '--scal' (did you mean '--scale'?)"},
    {"fig06 -x", "unknown option '-x'"},
    {"fig06 --elephant", "unknown option '--elephant'; --help lists them all"},
    {"fig06 --scale", "option '--scale' misses its value"},
    {"fig06 --force=1", "option '--force' takes no value; found '1'"},
    {"fig06 fig07", "found the figures 'fig06' and 'fig07'; expected one"},
    {"", "no figure given"},
    {"--quiet", "no figure given"},
    {"f --heading", "option '--heading' misses its value"},
    {"f --afterwards soon", "--afterwards 'soon': expected an integer from 0"},
    {"fig06 --resume --force", "--resume and --force exclude each other"},
    {"fig06 --threads 0", "--threads '0': expected an integer from 1 to 1024"},
    {"fig06 --threads 1025", "--threads '1025': expected"},
    {"fig06 --threads -1", "--threads '-1': expected"},
    {"fig06 --threads 2x", "--threads '2x': expected"},
    {"fig06 --runs 0", "--runs '0': expected an integer from 1 to 10000"},
    {"fig06 --runs 10001", "--runs '10001': expected"},
    {"fig06 --seed 1.5", "--seed '1.5': expected"},
    {"fig06 --seed 99999999999999999999", "--seed '99999999999999999999': expected"},
    {"fig06 --seed=", "--seed '': expected"},
    {"fig06 --out=", "--out ''"},
    {"fig06 --runs-from 0", "--runs-from '0': expected an integer from 1 to 10000"},
    {"fig06 --runs-to two", "--runs-to 'two': expected an integer from 1 to 10000"},
    {"fig06 --runs-from 3 --runs-to 2", "--runs-from 3 --runs-to 2: expected the first run not"},
    {"fig06 --merge", "option '--merge' misses its value DIR"},
    {"fig06 --merge=", "--merge '': expected the directory of a part"},
    {"--merge a", "no figure given"},
    {"fig06 --merge a --scale quick", "and runs nothing: leave out --scale"},
    {"fig06 --fidelity code --merge a", "and runs nothing: leave out --fidelity"},
    {"fig06 --merge a --set k=1", "and runs nothing: leave out --set"},
    {"fig06 --merge a --seed 1", "and runs nothing: leave out --seed"},
    {"fig06 --merge a --runs 2", "and runs nothing: leave out --runs"},
    {"fig06 --merge a --runs-from 1", "and runs nothing: leave out --runs-from"},
    {"fig06 --merge a --runs-to 1", "and runs nothing: leave out --runs-to"},
    {"fig06 --merge a --resume", "and runs nothing: leave out --resume"},
};

Test(options, a_bad_line_is_refused_with_one_line) {
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        jebm_options o;
        jebm_error err = {0};
        cr_expect_eq(parse(bad[i].line, &o, &err), JEBM_EINVAL, "%s", bad[i].line);
        cr_expect_not_null(strstr(err.text, bad[i].found), "%s: %s", bad[i].line, err.text);
        cr_expect_null(strchr(err.text, '\n'));
    }
}
