/* Small runs of jebm-gmm against committed CSVs, with the kernels of every instruction set that
 * this machine has. A change of the numerics that was not meant shows here; one that was meant is
 * written down by regenerate.sh.
 *
 * Tolerance. On one machine baseline, AVX2 and AVX-512 kernels agree to rounding, and rounding
 * grows: after the 60 to 240 iterations of these runs the worst relative difference, |a-b|/(1+|b|),
 * of any column is 2e-6, and 7e-6 in fig08-paper, whose rates are 40 to 200 times larger (gcc 12,
 * Xeon with AVX-512). It stays so small as long as no rounding makes
 * resampling choose another walker; after that the runs differ by 1e-2 and more (seen at
 * 256 walkers and 200 iterations), which is why these are short and have few walkers. 3e-5 leaves
 * a factor of 4. Counts are exact. What must not pass is far above: without the h/4 terms of
 * eq. (6) fig06-paper resamples 60 times instead of once, with the stratified scheme 7 times by
 * step 48 instead of 6.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define PROGRAM GMM
#define PROGRAM_NAME "jebm-gmm"
#define PROGRAM_SHARE GMM_SHARE
#include "program.h"

#include "core/isa.h"
#include "io/csv.h"

#include <math.h>

#define TOLERANCE 3e-5
/* method, variant, run and step come before the numbers */
enum { LABELS = 4 };

static const char *const isa_names[JEBM_ISA_COUNT] = {"baseline", "avx2", "avx512"};

static jebm_csv *read_csv(const char *path) {
    jebm_csv *csv = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_csv_read(path, &csv, &err), JEBM_OK, "%s", err.text);
    return csv;
}

static bool is_count(const char *column) {
    return strcmp(column, "resamplings") == 0 || strcmp(column, "fraction_a") == 0;
}

/* how far two values are apart, in units of what is allowed; 0 for two NaN */
static double distance(const char *column, double found, double expected) {
    if (isnan(found) || isnan(expected)) {
        return isnan(found) && isnan(expected) ? 0.0 : INFINITY;
    }
    return fabs(found - expected) / (is_count(column) ? 1e-12 : TOLERANCE * (1.0 + fabs(expected)));
}

static void compare(const char *where, const jebm_csv *found, const jebm_csv *expected) {
    cr_assert_eq(jebm_csv_rows(found), jebm_csv_rows(expected), "%s: rows", where);
    cr_assert_eq(jebm_csv_columns(found), jebm_csv_columns(expected), "%s: columns", where);
    double worst = 0.0;
    size_t row = 0, column = LABELS;
    for (size_t j = 0; j < jebm_csv_columns(found); j++) {
        const char *name = jebm_csv_name(expected, j);
        cr_assert_str_eq(jebm_csv_name(found, j), name, "%s: column %zu", where, j);
        for (size_t i = 0; i < jebm_csv_rows(found); i++) {
            const char *a = jebm_csv_text(found, i, j), *b = jebm_csv_text(expected, i, j);
            if (j < LABELS) {
                cr_assert_str_eq(a, b, "%s: row %zu, column %s", where, i, name);
                continue;
            }
            const double off = distance(name, strtod(a, NULL), strtod(b, NULL));
            if (off > worst) {
                worst = off;
                row = i;
                column = j;
            }
        }
    }
    if (getenv("GOLDEN_VERBOSE") != NULL) {
        fprintf(stderr, "%s: worst %g\n", where, worst);
    }
    cr_expect_leq(worst, 1.0,
                  "%s: worst in column %s at %s %s run %s step %s: %s, golden %s, %.3g x "
                  "allowed",
                  where, jebm_csv_name(found, column), jebm_csv_text(found, row, 0),
                  jebm_csv_text(found, row, 1), jebm_csv_text(found, row, 2),
                  jebm_csv_text(found, row, 3), jebm_csv_text(found, row, column),
                  jebm_csv_text(expected, row, column), worst);
}

/* one line of `cases`: a name, then the arguments, of which the first is the figure */
static void check_case(const scratch *s, char *line) {
    char *arguments = strchr(line, ' ');
    cr_assert_not_null(arguments, "a line of cases without arguments: %s", line);
    *arguments++ = '\0';
    for (int isa = 0; isa < JEBM_ISA_COUNT; isa++) {
        if (jebm_isa_select((jebm_isa)isa) != JEBM_OK) {
            continue;
        }
        char where[96], path[512], directory[64];
        snprintf(where, sizeof where, "%.60s, %s", line, isa_names[isa]);
        snprintf(directory, sizeof directory, "%.40s-%s", line, isa_names[isa]);
        set.isa = isa_names[isa];
        const outcome o = run(s, "%s --no-figure --quiet --out %s", arguments, directory);
        cr_assert_eq(o.status, 0, "%s: %s", where, o.err);
        snprintf(path, sizeof path, "%s/%s/%.*s/trajectory.csv", s->directory, directory,
                 (int)strcspn(arguments, " "), arguments);
        jebm_csv *found = read_csv(path);
        snprintf(path, sizeof path, "%s/%.60s.csv", GOLDEN, line);
        jebm_csv *expected = read_csv(path);
        compare(where, found, expected);
        jebm_csv_free(found);
        jebm_csv_free(expected);
    }
}

Test(golden, small_runs_give_the_committed_numbers_in_every_isa, .timeout = 120) {
    const scratch s = scratch_new();
    char *text = scratch_get(GOLDEN "/cases", NULL);
    cr_assert_not_null(text, "%s", GOLDEN "/cases");
    size_t cases = 0;
    for (char *line = text, *next; *line != '\0'; line = next) {
        char *end = line + strcspn(line, "\n");
        next = *end != '\0' ? end + 1 : end;
        *end = '\0';
        if (*line != '#' && *line != '\0') {
            check_case(&s, line);
            cases++;
        }
    }
    cr_expect_geq(cases, 4);
    free(text);
    scratch_free(&s);
}
