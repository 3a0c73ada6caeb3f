/* The gnuplot scripts on small data: they draw, and they say what is missing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/table.h"

#include "../io/scratch.h"

#include <math.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *const columns[] = {"p",           "a1",  "b1",      "kl_exact",
                                      "kl_estimate", "ess", "ess_min", "resamplings"};
enum { NCOLUMNS = 8, STEPS = 5, RUNS = 2 };

static scratch place;

static void put_cell(jebm_table *t, const char *method, const char *variant, bool weighted) {
    uint64_t label;
    cr_assert_eq(jebm_table_label(t, method, variant, &label, NULL), JEBM_OK);
    for (uint64_t run = 0; run < RUNS; run++) {
        for (uint64_t step = 0; step < STEPS; step++) {
            const double x = (double)(step + run);
            const double row[NCOLUMNS] = {
                0.5 / (1 + x), -x,  x, 1 / (1 + x), weighted ? 1.1 / (1 + x) : NAN,
                1 - 0.01 * x,  0.9, x};
            cr_assert_eq(jebm_table_append(t, label, run, step, row, NULL), JEBM_OK);
        }
    }
}

/* other figures in the same directory, with what today's drivers record */
static const char *const more[] = {"p",
                                   "z",
                                   "a1",
                                   "b1",
                                   "kl_exact",
                                   "kl_estimate",
                                   "kl_evaluation",
                                   "ess",
                                   "fraction_a",
                                   "data_fraction_a",
                                   "z_ode"};
enum { NMORE = 11, KL_EVALUATION = 6, Z_ODE = 10 };

/* cells are {method, variant}; `without` is a column that applies to none of them, or NMORE */
static void put_figure(size_t ncells, const char *const cells[][2], size_t without, size_t runs) {
    jebm_table t;
    cr_assert_eq(jebm_table_init(&t, more, NMORE, NULL), JEBM_OK);
    for (size_t i = 0; i < ncells; i++) {
        uint64_t label;
        cr_assert_eq(jebm_table_label(&t, cells[i][0], cells[i][1], &label, NULL), JEBM_OK);
        for (uint64_t run = 0; run < runs; run++) {
            for (uint64_t step = 0; step < 1000; step += 200) {
                const double x = (double)step / 1000 + 0.1 * (double)(run + i), p = 0.5 / (1 + x);
                double row[NMORE] = {p,
                                     log(p / (1 - p)),
                                     -x,
                                     x,
                                     1 / (1 + x),
                                     1.1 / (1 + x),
                                     1.05 / (1 + x),
                                     1 / (1 + x),
                                     0.5,
                                     0.25,
                                     -x};
                if (without < NMORE) {
                    row[without] = NAN;
                }
                cr_assert_eq(jebm_table_append(&t, label, run, step, row, NULL), JEBM_OK);
            }
        }
    }
    cr_assert_eq(jebm_table_write(&t, scratch_path(&place, "trajectory.csv"), NULL), JEBM_OK);
    cr_assert_eq(jebm_table_write_summary(&t, scratch_path(&place, "summary.csv"), NULL), JEBM_OK);
    jebm_table_free(&t);
}

static void setup(void) {
    place = scratch_new();
    jebm_table t;
    cr_assert_eq(jebm_table_init(&t, columns, NCOLUMNS, NULL), JEBM_OK);
    put_cell(&t, "jarzynski", "c=0.1", true);
    put_cell(&t, "jarzynski", "c=1.0", true);
    put_cell(&t, "pcd", "-", false);
    put_cell(&t, "cd", "-", false);
    cr_assert_eq(jebm_table_write(&t, scratch_path(&place, "trajectory.csv"), NULL), JEBM_OK);
    cr_assert_eq(jebm_table_write_summary(&t, scratch_path(&place, "summary.csv"), NULL), JEBM_OK);
    jebm_table_free(&t);
}

static void teardown(void) {
    scratch_free(&place);
}

TestSuite(figures, .init = setup, .fini = teardown);

/* gnuplot's exit status; what it says goes to the file "out" */
static int gnuplot(const char *arguments) {
    char command[4096];
    if (system("command -v gnuplot > /dev/null 2>&1") != 0) {
        cr_skip_test("gnuplot is not installed");
    }
    snprintf(command, sizeof command, "gnuplot %s > %s/out 2>&1", arguments, place.directory);
    const int outcome = system(command);
    return WIFEXITED(outcome) ? WEXITSTATUS(outcome) : -1;
}

static int draw(const char *script, const char *arguments) {
    char all[2048];
    snprintf(all, sizeof all, "-c '%s/%s.gp' %s", FIGURES, script, arguments);
    return gnuplot(all);
}

static void expect_picture(const char *name, const char *magic) {
    size_t size = 0;
    char *bytes = scratch_get(scratch_path(&place, name), &size);
    cr_assert_not_null(bytes, "%s was not written", name);
    cr_expect_gt(size, 4000, "%s has %zu bytes", name, size);
    cr_expect_eq(memcmp(bytes, magic, strlen(magic)), 0, "%s", name);
    free(bytes);
}

static size_t count(const char *text, size_t size, const char *words) {
    const size_t length = strlen(words);
    size_t found = 0;
    for (size_t i = 0; i + length <= size; i++) {
        found += memcmp(text + i, words, length) == 0;
    }
    return found;
}

static void expect_one_page(const char *name) {
    size_t size = 0;
    char *bytes = scratch_get(scratch_path(&place, name), &size);
    cr_assert_not_null(bytes, "%s was not written", name);
    cr_expect_eq(count(bytes, size, "/Count 1\n"), 1, "%s has not one page", name);
    free(bytes);
}

static void expect_drawn(const char *script, const char *arguments) {
    const int status = draw(script, arguments);
    char *said = scratch_get(scratch_path(&place, "out"), NULL), name[64];
    cr_expect_eq(status, 0, "%s: %s", script, said);
    cr_expect_str_empty(said, "%s: %s", script, said);
    free(said);
    snprintf(name, sizeof name, "%s.png", script);
    expect_picture(name, "\x89PNG");
    snprintf(name, sizeof name, "%s.svg", script);
    expect_picture(name, "<?xml");
    snprintf(name, sizeof name, "%s.pdf", script);
    expect_picture(name, "%PDF");
    expect_one_page(name);
}

Test(figures, each_script_draws_png_svg_and_pdf) {
    char arguments[900];
    snprintf(arguments, sizeof arguments, "'%s'", place.directory);
    expect_drawn("fig06", arguments);
    expect_drawn("fig07", arguments);
    snprintf(arguments, sizeof arguments, "'%s' \"a caption's _text_ {%%}\"", place.directory);
    expect_drawn("fig08", arguments);
    snprintf(arguments, sizeof arguments, "'%s' 'paper=%s' '%s'", place.directory, place.directory,
             place.directory);
    expect_drawn("fig06-fidelity", arguments);
}

static const char *const three[][2] = {
    {"jarzynski", "ess=0.95"}, {"pcd", "-"}, {"cd", "-"}, {"jarzynski", "c=0.1"}};
static const char *const masses[][2] = {{"jarzynski", "never"},
                                        {"jarzynski_continuous", "never"},
                                        {"unweighted", "-"},
                                        {"pcd", "-"},
                                        {"cd", "-"}};
static const char *const drifts[][2] = {{"jarzynski", "walkers=1000"},
                                        {"jarzynski", "walkers=10000"},
                                        {"jarzynski", "gamma_ab=0.05"},
                                        {"jarzynski_loo", "walkers=1000"}};
static const char *const schemes[][2] = {{"multinomial", "lag=100"}, {"multinomial", "lag=10"},
                                         {"multinomial", "ess=0.5"}, {"killing", "lag=100"},
                                         {"killing", "lag=10"},      {"killing", "ess=0.5"}};
#define CELLS(list) (sizeof(list) / sizeof *(list))

Test(figures, the_figures_of_section_4_1_and_of_the_appendices_are_drawn) {
    char arguments[900];
    snprintf(arguments, sizeof arguments, "'%s'", place.directory);
    for (size_t runs = 1; runs <= 2; runs++) {
        // one run alone has no standard error
        put_figure(3, three, NMORE, runs);
        expect_drawn("fig01", arguments);
        put_figure(1, masses, NMORE, runs);
        expect_drawn("fig09", arguments);
        put_figure(CELLS(schemes), schemes, NMORE, runs);
        expect_drawn("fig10", arguments);
        put_figure(CELLS(masses), masses, NMORE, runs);
        expect_drawn("fig14", arguments);
        put_figure(CELLS(drifts), drifts, NMORE, runs);
        expect_drawn("bias", arguments);
    }
    expect_drawn("bias-start", arguments);
    expect_drawn("bias-resampled", arguments);
}

static bool says(const char *name, const char *words) {
    char *text = scratch_get(scratch_path(&place, name), NULL);
    cr_assert_not_null(text, "%s was not written", name);
    const bool found = strstr(text, words) != NULL;
    free(text);
    return found;
}

/* Is it the end of a text that an SVG shows, and not only of a name that it gives to an element? */
static bool shows(const char *name, const char *words) {
    static const char *const ends[] = {"</text>", "</tspan>"};
    char *text = scratch_get(scratch_path(&place, name), NULL);
    cr_assert_not_null(text, "%s was not written", name);
    bool found = false;
    for (const char *at = text; !found && (at = strstr(at, words)) != NULL; at++) {
        for (size_t i = 0; i < 2; i++) {
            found |= strncmp(at + strlen(words), ends[i], strlen(ends[i])) == 0;
        }
    }
    free(text);
    return found;
}

Test(figures, an_estimate_that_was_not_made_is_not_drawn) {
    char arguments[900];
    const char *const words = "by an evaluation population";
    snprintf(arguments, sizeof arguments, "'%s'", place.directory);
    expect_drawn("fig06", arguments);
    cr_expect_not(shows("fig06.svg", words), "old results have no such column");
    for (size_t i = 0; i < 2; i++) {
        put_figure(4, three, i == 0 ? KL_EVALUATION : NMORE, 2);
        expect_drawn("fig06", arguments);
        cr_expect_eq(shows("fig06.svg", words), i == 1);
        expect_drawn("fig01", arguments);
        cr_expect_eq(shows("fig01.svg", words), i == 1);
        put_figure(CELLS(drifts), drifts, i == 0 ? KL_EVALUATION : NMORE, 2);
        expect_drawn("bias", arguments);
    }
    put_figure(3, drifts, NMORE, 2);
    expect_drawn("bias", arguments);
    put_figure(CELLS(masses), masses, Z_ODE, 2);
    expect_drawn("fig14", arguments);
}

Test(figures, a_method_that_was_not_run_is_in_no_legend) {
    static const char *const lone[][2] = {{"pcd", "-"}};
    char arguments[900];
    snprintf(arguments, sizeof arguments, "'%s'", place.directory);
    put_figure(1, lone, NMORE, 2);
    static const char *const scripts[] = {"fig01", "fig06"};
    for (size_t i = 0; i < 2; i++) {
        char name[32];
        expect_drawn(scripts[i], arguments);
        snprintf(name, sizeof name, "%s.svg", scripts[i]);
        cr_expect(shows(name, "PCD"), "%s", name);
        cr_expect_not(shows(name, ">CD"), "%s", name);
        cr_expect_not(shows(name, "by the weights"), "%s", name);
        cr_expect_not(shows(name, "population"), "%s", name);
    }
}

static void put_manifest(const char *fidelity, const char *overrides, const char *rest) {
    char text[1024];
    snprintf(
        text, sizeof text,
        "{\n  \"scale\": \"quick\",\n  \"fidelity\": \"%s\",\n  \"runs\": 2,\n%s"
        "  \"preset\": {\n    \"walkers\": \"1000\",\n    \"classes\": \"2 3 6\",\n"
        "    \"counts\": \"5 3 2\",\n    \"c\": \"1\",\n    \"trigger\": \"ess\"\n  },\n"
        "  \"overrides\": %s,\n  \"cells\": [\n    {\n      \"method\": \"cd\"\n    }\n  ]\n}\n",
        fidelity, rest, overrides);
    scratch_put(scratch_path(&place, "manifest.json"), text, strlen(text));
}

Test(figures, a_caption_says_what_was_followed_and_what_for) {
    static const struct {
        const char *fidelity, *overrides, *rest, *caption;
    } cases[] = {
        {"paper", "[]", "", "after the paper's text, scale quick: 1000 walkers, 2 runs"},
        {"code", "[\n    \"runs=2\"\n  ]", "",
         "after the released script, scale quick: 1000 walkers, 2 runs"},
        {"paper", "[\n    \"runs=2\",\n    \"rate_unit=time\"\n  ]", "",
         "scale quick: 1000 walkers, 2 runs, rate_unit=time"},
        {"paper", "[]", "  \"shows\": \"machinery\",\n  \"answered_by\": \"reduced\",\n",
         "2 runs (shows that the machinery works; scale reduced answers)"},
        {"paper", "[]", "  \"shows\": \"machinery\",\n  \"answered_by\": \"\",\n",
         "2 runs (shows that the machinery works)"},
        {"paper", "[]", "  \"shows\": \"results\",\n  \"answered_by\": \"\",\n",
         "1000 walkers, 2 runs"},
    };
    char arguments[900];
    snprintf(arguments, sizeof arguments, "'%s'", place.directory);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_manifest(cases[i].fidelity, cases[i].overrides, cases[i].rest);
        expect_drawn("fig08", arguments);
        cr_expect(shows("fig08.svg", cases[i].caption), "%s", cases[i].caption);
    }
}

static void expect_complaint(const char *script, const char *arguments, const char *words) {
    const int status = draw(script, arguments);
    char *said = scratch_get(scratch_path(&place, "out"), NULL);
    cr_expect_neq(status, 0, "%s", script);
    cr_expect_not_null(strstr(said, words), "%s: wanted '%s' in\n%s", script, words, said);
    free(said);
}

/* ---- the figures of images ---- */

static const char *const of_images[] = {"cross_entropy",
                                        "cross_entropy_test",
                                        "cross_entropy_evaluation",
                                        "cross_entropy_forward",
                                        "cross_entropy_reverse",
                                        "ess",
                                        "ess_min",
                                        "error_0",
                                        "error_1",
                                        "error_2",
                                        "error_max",
                                        "confidence",
                                        "log_z_se",
                                        "resamplings",
                                        "step_scale",
                                        "annealing_steps",
                                        "mass_forward_0",
                                        "mass_forward_1",
                                        "mass_forward_2"};
enum {
    NIMAGES = sizeof of_images / sizeof *of_images,
    EVALUATION = 2,
    FORWARD = 3,
    REVERSE = 4,
    ANNEALING = 15
};

/* rows of cells {method, variant} of two runs, the second of which diverged where `cut`; `bare` has
 * neither evaluation population nor annealing */
static void put_images(size_t ncells, const char *const cells[][2], bool cut, bool bare) {
    jebm_table t;
    cr_assert_eq(jebm_table_init(&t, of_images, NIMAGES, NULL), JEBM_OK);
    for (size_t i = 0; i < ncells; i++) {
        uint64_t label;
        cr_assert_eq(jebm_table_label(&t, cells[i][0], cells[i][1], &label, NULL), JEBM_OK);
        for (uint64_t run = 0; run < RUNS; run++) {
            for (uint64_t step = 0; step < (run == 1 && cut ? 2 : STEPS); step++) {
                double row[NIMAGES];
                for (size_t c = 0; c < NIMAGES; c++) {
                    row[c] = 1 / (1.0 + (double)(step + run + c + i));
                }
                row[ANNEALING] = (double)(256 << step);
                row[EVALUATION] = bare ? NAN : row[EVALUATION];
                row[FORWARD] = bare ? NAN : row[FORWARD];
                row[REVERSE] = bare ? NAN : row[REVERSE];
                cr_assert_eq(jebm_table_append(&t, label, run, step, row, NULL), JEBM_OK);
            }
        }
    }
    cr_assert_eq(jebm_table_write(&t, scratch_path(&place, "trajectory.csv"), NULL), JEBM_OK);
    cr_assert_eq(jebm_table_write_summary(&t, scratch_path(&place, "summary.csv"), NULL), JEBM_OK);
    jebm_table_free(&t);
}

static const char *const trained[][2] = {{"jarzynski", "c=1"}, {"pcd", "-"}, {"cd", "-"}};

Test(figures, those_of_images_are_drawn_with_diverged_and_missing_cells) {
    char arguments[900];
    snprintf(arguments, sizeof arguments, "'%s'", place.directory);
    put_manifest("paper", "[]", "");
    static const char *const scripts[] = {"fig03",   "fig04",     "evaluate",
                                          "mnist-c", "mnist-ess", "mnist-h"};
    for (size_t n = 1; n <= 3; n += 2) {
        for (size_t cut = 0; cut < 2; cut++) {
            put_images(n, trained, cut, false);
            for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
                expect_drawn(scripts[i], arguments);
            }
        }
    }
    static const char *const quirks[][2] = {{"jarzynski", "all"},
                                            {"jarzynski", "none"},
                                            {"jarzynski", "all-one"},
                                            {"jarzynski", "all-two"},
                                            {"jarzynski", "only-one"}};
    put_images(5, quirks, true, false);
    expect_drawn("mnist-quirks", arguments);
    put_images(4, quirks, true, false);
    expect_drawn("mnist-quirks", arguments);
}

Test(figures, what_images_were_not_evaluated_by_is_in_no_legend) {
    char arguments[900];
    snprintf(arguments, sizeof arguments, "'%s'", place.directory);
    put_manifest("paper", "[]", "");
    for (size_t bare = 0; bare < 2; bare++) {
        put_images(1, trained, false, bare);
        expect_drawn("fig04", arguments);
        cr_expect_eq(shows("fig04.svg", "by an evaluation population"), !bare);
        cr_expect_eq(shows("fig04.svg", "by annealing, from noise"), !bare);
        cr_expect(shows("fig04.svg", "of test images"));
    }
}

/* Any PNG will do. */
static void put_picture(const char *name) {
    char path[128];
    size_t size;
    char *bytes = scratch_get(scratch_path(&place, "fig08.png"), &size);
    snprintf(path, sizeof path, "images/%s.png", name);
    scratch_put(scratch_path(&place, path), bytes, size);
    free(bytes);
}

static void expect_panels(const char *script, const char *arguments, size_t panels) {
    char name[32];
    size_t size;
    expect_drawn(script, arguments);
    snprintf(name, sizeof name, "%s.svg", script);
    char *text = scratch_get(scratch_path(&place, name), &size);
    cr_expect_eq(count(text, size, "<image "), panels, "%s", script);
    free(text);
}

Test(figures, a_picture_that_is_missing_leaves_no_empty_panel) {
    char arguments[900];
    snprintf(arguments, sizeof arguments, "'%s'", place.directory);
    expect_drawn("fig08", arguments);
    put_manifest("paper", "[]", "");
    put_images(3, trained, false, false);
    cr_assert_eq(mkdir(scratch_path(&place, "images"), 0777), 0);
    static const char *const scripts[] = {"fig02", "fig11", "fig12"};
    for (size_t i = 0; i < 3; i++) {
        expect_complaint(scripts[i], arguments, "has none of the pictures");
    }
    put_picture("test");
    put_picture("jarzynski-c=1-0-resampled");
    expect_panels("fig02", arguments, 2);
    expect_panels("fig11", arguments, 1);
    expect_panels("fig12", arguments, 1);
    put_picture("jarzynski-c=1-0-walkers");
    put_picture("jarzynski-c=1-0-weights");
    put_picture("pcd-0-walkers");
    expect_panels("fig02", arguments, 3);
    expect_panels("fig11", arguments, 3);
    expect_panels("fig12", arguments, 2);
    cr_expect(says("fig12.svg", "run 1;"));
    // the last run that left any
    put_picture("jarzynski-c=1-1-resampled");
    expect_panels("fig12", arguments, 1);
    cr_expect(says("fig12.svg", "run 2;"));
}

Test(figures, a_block_is_one_cell_even_where_a_name_begins_another) {
    put_figure(CELLS(schemes), schemes, NMORE, 2);
    char arguments[2048];
    // the mean of p at step 0 over the two runs of cell i is that of 0.5/(1 + 0.1 (run + i))
    snprintf(arguments, sizeof arguments,
             "-e \"load '" FIGURES "/style.gp'; set print \\$C; "
             "do for [v in 'lag=100 lag=10'] { print block('%s/summary.csv', 'multinomial', "
             "'variant', v, 'step p_mean none') }; unset print; eval BLOCKS; "
             "stats \\$C index 'multinomial lag=10;' using 1:2 nooutput; "
             "print sprintf('%%d rows, p = %%.6f', STATS_records, STATS_max_y)\"",
             place.directory);
    cr_expect_eq(gnuplot(arguments), 0);
    char *said = scratch_get(scratch_path(&place, "out"), NULL), wanted[64];
    snprintf(wanted, sizeof wanted, "5 rows, p = %.6f\n", (0.5 / 1.1 + 0.5 / 1.2) / 2);
    cr_expect_str_eq(said, wanted);
    free(said);
}

Test(figures, what_is_missing_is_named) {
    expect_complaint("fig06", "/nowhere", "/nowhere/summary.csv cannot be read");
    expect_complaint("fig07", "/nowhere", "/nowhere/trajectory.csv cannot be read");
    expect_complaint("fig08", "/nowhere", "/nowhere/trajectory.csv cannot be read");
    expect_complaint("fig06-fidelity", ". paper=/nowhere", "/nowhere/summary.csv cannot be read");
    expect_complaint("fig06", "", "expected a run directory");
    const char *const from_summary[] = {"fig01", "fig09", "fig10"};
    for (size_t i = 0; i < 3; i++) {
        expect_complaint(from_summary[i], "/nowhere", "/nowhere/summary.csv cannot be read");
    }
    const char *const from_trajectory[] = {"fig14", "bias", "bias-start", "bias-resampled"};
    for (size_t i = 0; i < 4; i++) {
        expect_complaint(from_trajectory[i], "/nowhere", "/nowhere/trajectory.csv cannot be read");
        expect_complaint(from_trajectory[i], "", "expected a run directory");
    }
    expect_complaint("fig09", ".", "./summary.csv cannot be read");
}
