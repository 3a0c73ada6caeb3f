/* jebm-gmm as a whole program: no thread count and no kill changes a byte, and bad input is one
 * line that says what to do.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define PROGRAM GMM
#define PROGRAM_NAME "jebm-gmm"
#define PROGRAM_SHARE GMM_SHARE
#include "program.h"

#include <math.h>
#include <sys/stat.h>

#define SMALL " --runs 2 --set walkers=300 --set data=260 --set iterations=40 --set record_every=8 "

/* ---- bytes ---------------------------------------------------------------------------------- */

Test(gmm_program, threads_change_no_byte, .timeout = 120) {
    static const char *const settings[] = {
        "fig06 --set c=0.2,1" SMALL,
        "fig06 --fidelity code --set c=0.05" SMALL,
        "fig06 --set methods=jarzynski,unweighted,pcd --set batch=70 --set optimizer=adam "
        "--set resampling=stratified --set c=0.2" SMALL,
        "fig08 --set inner=3" SMALL,
        "fig01 --set batch=40 --set evaluation=200 --set gradient=batch --set data_batch=50 --set "
        "rate_unit=time "
        "--set methods=jarzynski,pcd" SMALL,
        "bias --set sweep_walkers=300" SMALL,
    };
    const scratch s = scratch_new();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        static const int threads[] = {1, 2, 3, 8};
        char one[16], many[16];
        for (size_t t = 0; t < 4; t++) {
            snprintf(many, sizeof many, "s%zu-%d", i, threads[t]);
            const outcome o =
                run(&s, "%s" QUIET "--out %s --threads %d", settings[i], many, threads[t]);
            expect_done(&o);
            snprintf(one, sizeof one, "s%zu-1", i);
            char figure[16];
            snprintf(figure, sizeof figure, "%.*s", (int)strcspn(settings[i], " "), settings[i]);
            expect_same_run(&s, one, many, figure);
        }
    }
    scratch_free(&s);
}

Test(gmm_program, the_seed_and_the_run_change_the_numbers) {
    const scratch s = scratch_new();
    outcome o = run(&s, "fig08" SMALL QUIET "--out a");
    expect_done(&o);
    o = run(&s, "fig08" SMALL QUIET "--out b --seed 2");
    expect_done(&o);
    char *a = scratch_get(scratch_path(&s, "a/fig08/trajectory.csv"), NULL);
    char *b = scratch_get(scratch_path(&s, "b/fig08/trajectory.csv"), NULL);
    cr_assert(a != NULL && b != NULL);
    cr_expect_str_neq(a, b);
    const char *first = strstr(a, "pcd,-,0,40,"), *second = strstr(a, "pcd,-,1,40,");
    cr_assert(first != NULL && second != NULL);
    cr_expect_neq(strncmp(first + 11, second + 11, 12), 0, "two runs with the same numbers");
    free(a);
    free(b);
    scratch_free(&s);
}

/* a cell's random numbers do not depend on which other cells there are */
Test(gmm_program, a_cell_alone_gives_the_rows_that_it_gives_among_others) {
    const scratch s = scratch_new();
    outcome o = run(&s, "fig06 --set c=0.2" SMALL QUIET "--out all");
    expect_done(&o);
    o = run(&s, "fig06 --set methods=cd" SMALL QUIET "--out cd");
    expect_done(&o);
    char *all = scratch_get(scratch_path(&s, "all/fig06/trajectory.csv"), NULL);
    char *cd = scratch_get(scratch_path(&s, "cd/fig06/trajectory.csv"), NULL);
    cr_assert(all != NULL && cd != NULL);
    const char *rows = strstr(all, "\ncd,-,0,0,"), *alone = strchr(cd, '\n');
    cr_assert(rows != NULL && alone != NULL);
    cr_expect_str_eq(rows, alone);
    free(all);
    free(cd);
    scratch_free(&s);
}

/* ---- columns -------------------------------------------------------------------------------- */

static double number(const jebm_csv *csv, size_t row, const char *name) {
    size_t column = 0;
    cr_assert_eq(jebm_csv_find(csv, name, &column, NULL), JEBM_OK, "%s", name);
    return strtod(jebm_csv_text(csv, row, column), NULL);
}

/* An evaluation population changes its own columns and no other. */
Test(gmm_program, an_evaluation_population_changes_nothing_else) {
    const scratch s = scratch_new();
    static const char *const with[] = {"0", "200"};
    for (size_t i = 0; i < 2; i++) {
        const outcome o = run(
            &s,
            "fig06 --set c=0.2 --set record_first=0 --set evaluation=%s" SMALL QUIET "--out e%s",
            with[i], with[i]);
        expect_done(&o);
    }
    jebm_csv *a = csv_of(&s, "e0/fig06/trajectory.csv"),
             *b = csv_of(&s, "e200/fig06/trajectory.csv");
    cr_assert_eq(jebm_csv_rows(a), jebm_csv_rows(b));
    size_t filled = 0;
    for (size_t j = 0; j < jebm_csv_columns(a); j++) {
        const bool its = strstr(jebm_csv_name(a, j), "_evaluation") != NULL;
        for (size_t i = 0; i < jebm_csv_rows(a); i++) {
            const char *x = jebm_csv_text(a, i, j), *y = jebm_csv_text(b, i, j);
            if (!its) {
                cr_expect_str_eq(x, y, "column %s, row %zu", jebm_csv_name(a, j), i);
                continue;
            }
            cr_expect_str_eq(x, "nan");
            filled += strcmp(y, "nan") != 0;
        }
    }
    /* kl, log_z_se, ess, mass_a of 2 runs of 6 rows; pcd and cd have none */
    cr_expect_eq(filled, 4 * 2 * 6);
    jebm_csv_free(a);
    jebm_csv_free(b);
    scratch_free(&s);
}

/* With gradient = batch a row settles all walkers: how often is nobody's business but the row's. */
Test(gmm_program, recording_more_often_changes_no_row_of_a_mini_batch_run) {
    const scratch s = scratch_new();
    const char *line = "fig01 --runs 1 --set methods=jarzynski --set walkers=300 --set batch=30 "
                       "--set evaluation=100 --set data=260 --set data_batch=26 "
                       "--set gradient=batch --set rate_unit=time --set iterations=40" QUIET;
    outcome o = run(&s, "%s --set record_every=20 --out few", line);
    expect_done(&o);
    o = run(&s, "%s --set record_every=4 --out many", line);
    expect_done(&o);
    jebm_csv *few = csv_of(&s, "few/fig01/trajectory.csv"),
             *many = csv_of(&s, "many/fig01/trajectory.csv");
    cr_assert_eq(jebm_csv_rows(few), 3);
    cr_assert_eq(jebm_csv_rows(many), 11);
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < jebm_csv_columns(few); j++) {
            /* smallest since the row before: another row */
            if (strcmp(jebm_csv_name(few, j), "ess_min") != 0) {
                cr_expect_str_eq(jebm_csv_text(few, i, j), jebm_csv_text(many, 5 * i, j),
                                 "column %s at step %zu", jebm_csv_name(few, j), 20 * i);
            }
        }
    }
    cr_expect_gt(number(few, 2, "resamplings"), 0);
    jebm_csv_free(few);
    jebm_csv_free(many);
    scratch_free(&s);
}

/* a is the mode that starts on a*'s side, and means that start at random do so in every coordinate:
 * the distance to a* at the start is 10 give or take 0.1 sqrt(50) */
Test(gmm_program, random_means_are_named_by_their_side) {
    const scratch s = scratch_new();
    const outcome o =
        run(&s, "fig01 --runs 12 --set methods=pcd --set walkers=20 --set batch=0 "
                "--set data=20 --set iterations=1 --set record_every=1" QUIET "--out d");
    expect_done(&o);
    jebm_csv *csv = csv_of(&s, "d/fig01/trajectory.csv");
    double distinct = 0.0;
    for (size_t i = 0; i < jebm_csv_rows(csv); i += 2) {
        cr_expect_lt(number(csv, i, "a1"), number(csv, i, "b1"), "run %zu", i / 2);
        cr_expect_lt(fabs(number(csv, i, "dist_a") - 10.0), 1.0);
        distinct += number(csv, i, "a1") > 0.0 || number(csv, i, "b1") < 0.0;
    }
    /* both on one side in half of the cases: none of 12 has probability 2e-4 */
    cr_expect_gt(distinct, 0.0);
    jebm_csv_free(csv);
    scratch_free(&s);
}

/* Proposition 2 and the exact rule from the same walkers at a small h, and App. C's law: z(10) of
 * eq. (53), integrated here by small steps of Euler's rule */
Test(gmm_program, figure_14_follows_the_ode_that_it_draws, .timeout = 60) {
    const scratch s = scratch_new();
    const outcome o = run(&s, "fig14 --runs 2 --set iterations=1000 --set record_every=500 "
                              "--set record_first=0" QUIET "--out d");
    expect_done(&o);
    jebm_csv *csv = csv_of(&s, "d/fig14/trajectory.csv");
    size_t weighted = 0;
    for (size_t i = 0; i < jebm_csv_rows(csv); i++) {
        const double q = 1.0 - number(csv, i, "data_fraction_a");
        if (strncmp(jebm_csv_text(csv, i, 0), "jarzynski", 9) != 0 ||
            strcmp(jebm_csv_text(csv, i, 3), "1000") != 0) {
            continue;
        }
        const double q0 = 1.0 - number(csv, i - 2, "fraction_a");
        double z = 0.0;
        for (int k = 0; k < 100000; k++) {
            z += 1e-4 * (q0 * exp(-z) / (1.0 - q0 + q0 * exp(-z)) - q);
        }
        cr_expect_float_eq(number(csv, i, "z_ode"), z, 1e-4);
        /* walkers that are between the modes, and ULA's h, are what the ODE leaves out */
        cr_expect_float_eq(number(csv, i, "z"), z, 0.02, "z %g, ODE %g", number(csv, i, "z"), z);
        weighted++;
    }
    cr_expect_eq(weighted, 4);
    jebm_csv_free(csv);
    scratch_free(&s);
}

/* SIGKILL at moments drawn by a fixed generator, a checkpoint after every iteration */
Test(gmm_program, no_kill_at_any_moment_changes_a_byte, .timeout = 240) {
    const scratch s = scratch_new();
    const char *line = "fig06 --set c=0.1 --runs 2 --set walkers=1000 --set data=1000 "
                       "--set iterations=20 --set record_every=4" QUIET;
    outcome o = run(&s, "%s --out whole", line);
    expect_done(&o);
    set.interval = "0";
    for (unsigned round = 0; round < 2; round++) {
        char command[256], directory[16];
        unsigned seed = 5 + round;
        int kills = 0;
        snprintf(directory, sizeof directory, "k%u", round);
        snprintf(command, sizeof command, "%s --out %s --resume", line, directory);
        for (int i = 0; i < 200; i++) {
            seed = seed * 1103515245U + 12345U;
            const pid_t child = start(&s, command);
            /* the first one cannot have ended yet; later ones are given more time, so that an end
             * is sure */
            wait_ms(i == 0 ? 1 : (long)(seed >> 16 & 127) + 15 * i);
            kill(child, SIGKILL);
            o = finish(&s, child);
            if (o.status == 0) {
                break;
            }
            cr_assert_eq(o.status, 1000 + SIGKILL, "status %d: %s", o.status, o.err);
            kills++;
        }
        cr_expect_gt(kills, 0);
        expect_same_run(&s, "whole", directory, "fig06");
    }
    scratch_free(&s);
}

/* ---- bad input ------------------------------------------------------------------------------ */

Test(gmm_program, bad_input_is_one_line_and_status_2, .timeout = 60) {
    static const char *const cases[][2] = {
        {"fig06 --set h=nan", "--set h=nan: 'nan' found; expected a real number above 0"},
        {"fig06 --set h=0", "expected a real number above 0 and below 2"},
        {"fig06 --set h=2", "expected a real number above 0 and below 2"},
        {"fig06 --set gamma_z=inf", "'inf' found; expected a real number from 0"},
        {"fig06 --set p_star=1", "expected a real number above 0 and below 1"},
        {"fig06 --set a_star=6 --set b_star=-10",
         "mode a starts at -first_start = -0.1, on the side of b*"},
        {"fig06 --set walkrs=10", "unknown key 'walkrs' (did you mean 'walkers'?)"},
        {"fig06 --set gama_ab=1", "(did you mean 'gamma_ab'?)"},
        {"fig06 --set walkers=0", "'0' found; expected an integer from 1 to"},
        {"fig06 --set walkers=-5", "'-5' found; expected an integer from 1 to"},
        {"fig06 --set walkers=1.5", "'1.5' found; expected an integer from 1 to"},
        {"fig06 --set walkers=", "expected an integer from 1 to"},
        {"fig06 --set data=0", "expected an integer from 1 to"},
        {"fig06 --set d=0", "expected an integer from 1 to 4096"},
        {"fig06 --set d=4097", "expected an integer from 1 to 4096"},
        {"fig06 --set iterations=0", "expected an integer from 1 to"},
        {"fig06 --set record_every=0", "expected an integer from 1 to"},
        {"fig06 --set cd_steps=0", "expected an integer from 1 to"},
        {"fig06 --set inner=0", "expected an integer from 1 to"},
        {"fig06 --set c=0", "expected 1 to 32 real numbers above 0 to 1000000"},
        {"fig06 --set c=-1,2", "expected 1 to 32 real numbers above 0 to 1000000"},
        {"fig06 --set c=1e7", "expected 1 to 32 real numbers above 0 to 1000000"},
        {"fig06 --set c=", "expected 1 to 32 real numbers above 0 to 1000000"},
        {"fig06 --set c=0.1,0.1", "key 'c' lists 0.1 twice, expected distinct values"},
        {"fig06 --set ess_threshold=0.5 --set trigger=cv", "trigger is 'cv', expected ess"},
        {"fig06 --set walkers=1e9", "lower 'walkers' (--set walkers=...)"},
        {"fig06 --set d=16 --set data=1e9", "lower 'data' (--set data=...)"},
        {"fig06 --set data=4e8", "key 'data' is 400000000, expected at most 330382099 points"},
        {"fig06 --set batch=2000", "key 'batch' is 2000, expected at most walkers = 1000"},
        {"fig06 --set data_batch=20", "but gradient is all: set gradient=batch"},
        {"fig06 --set gradient=batch --set data_batch=1001", "expected at most data = 1000"},
        {"fig06 --set gradient=batch --set stale_trigger=yes", "set stale_trigger=no"},
        {"fig06 --set methods=jarzynski_loo --set gradient=batch", "gradient = batch, optimizer"},
        {"fig06 --set methods=jarzynski_loo --set optimizer=adam",
         "optimizer = adam, expected all"},
        {"bias --set sweep_walkers=10,20.5", "lists 20.5, expected whole numbers from 1"},
        {"bias --set sweep_walkers=10,10", "key 'sweep_walkers' lists 10 twice"},
        {"fig14 --set sweep_gamma_ab=0.1", "'sweep_gamma_ab' is set, but gamma_ab is 0"},
        {"fig06 --set evaluation=1e9", "lower 'evaluation' (--set evaluation=...)"},
        {"fig06 --set methods=jarzynsky", "expected one or more of jarzynski|"},
        {"fig06 --set resampling=best", "multinomial|stratified|systematic|residual"},
        {"fig09", "unknown figure 'fig09' (did you mean 'fig0"},
        {"fig06 --scale papr", "unknown scale 'papr' (did you mean 'paper'?)"},
        {"fig06 --fidelity text", "unknown fidelity 'text'; there are paper|code"},
        {"fig06 --runs 0", "--runs '0': expected an integer from 1 to"},
        {"fig06 --threads 0", "--threads '0': expected an integer from 1 to"},
        {"fig06 fig08", "found the figures 'fig06' and 'fig08'; expected one"},
        {"", "no figure given"},
    };
    expect_refusals(sizeof cases / sizeof *cases, cases);
}

Test(gmm_program, an_unknown_instruction_set_is_refused) {
    const scratch s = scratch_new();
    set.isa = "bogus";
    const outcome o = run(&s, "fig06" QUIET);
    expect_refusal(&o, 2, "JEBM_ISA is 'bogus', expected baseline, avx2 or avx512");
    scratch_free(&s);
}

Test(gmm_program, a_directory_of_something_else_is_left_alone) {
    const scratch s = scratch_new();
    cr_assert_eq(mkdir(scratch_path(&s, "d"), 0777), 0);
    cr_assert_eq(mkdir(scratch_path(&s, "d/fig08"), 0777), 0);
    scratch_put(scratch_path(&s, "d/fig08/thesis.tex"), "x", 1);
    outcome o = run(&s, "fig08" SMALL QUIET "--out d --force");
    expect_refusal(&o, 2, "d/fig08: holds 'thesis.tex' but no manifest.json");
    cr_expect(exists(&s, "d/fig08/thesis.tex") && !exists(&s, "d/fig08/trajectory.csv"));
    o = run(&s, "fig08" SMALL QUIET "--out e");
    expect_done(&o);
    o = run(&s, "fig08" SMALL QUIET "--out e --set h=0.3");
    expect_refusal(&o, 2, "(h: there 0.2, here 0.3)");
    scratch_free(&s);
}

/* A checkpoint that was cut, at a few places, or of a run with other settings. */
Test(gmm_program, a_cut_or_foreign_checkpoint_is_refused, .timeout = 60) {
    const scratch s = scratch_new();
    const char *line =
        "fig08 --set iterations=100000 --set walkers=200 --set data=200" QUIET "--out d --resume";
    const pid_t child = start(&s, line);
    while (!exists(&s, "d/fig08/manifest.json")) {
        wait_ms(2);
    }
    wait_ms(50);
    kill(child, SIGTERM);
    outcome o = finish(&s, child);
    cr_assert_eq(o.status, 143, "%s", o.err);
    size_t size = 0;
    char *bytes = scratch_get(scratch_path(&s, "d/fig08/checkpoint.h5"), &size);
    cr_assert(bytes != NULL && size > 4000);
    const size_t cuts[] = {0, 1, 100, size / 3, size - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        scratch_put(scratch_path(&s, "d/fig08/checkpoint.h5"), bytes, cuts[i]);
        o = run(&s, "%s", line);
        expect_refusal(&o, 1, "d/fig08/checkpoint.h5: ");
    }
    free(bytes);
    scratch_free(&s);
}

/* ---- divergence ----------------------------------------------------------------------------- */

Test(gmm_program, a_run_that_diverges_ends_with_status_1_and_its_iteration) {
    const scratch s = scratch_new();
    const outcome o = run(
        &s, "fig08 --set gamma_ab=1e6 --set gamma_z=1e6 --set b_star=1e4" SMALL QUIET "--out d");
    cr_expect_eq(o.status, 1, "status %d: %s", o.status, o.err);
    cr_expect_not_null(strstr(o.err, "fig08 pcd - run 0 diverged at step "), "%s", o.err);
    cr_expect_not_null(strstr(o.err, "lower h or the learning rates"), "%s", o.err);
    cr_expect(exists(&s, "d/fig08/trajectory.csv") && exists(&s, "d/fig08/manifest.json"));
    scratch_free(&s);
}

/* ---- what it says of itself ----------------------------------------------------------------- */

Test(gmm_program, lists_describes_and_helps) {
    const scratch s = scratch_new();
    outcome o = run(&s, "--list");
    expect_done(&o);
    cr_expect(strstr(o.out, "fig06 ") != NULL && strstr(o.out, "fig07 ") != NULL &&
                  strstr(o.out, "fig08 ") != NULL,
              "%s", o.out);
    o = run(&s, "--describe fig08 --scale paper --fidelity code --set batch=5");
    expect_done(&o);
    static const char *const lines[] = {"# fig08 at scale paper, fidelity code\n",
                                        "walkers = 10000\n",
                                        "h = 0.2\n",
                                        "weights = released\n",
                                        "batch = 5\n",
                                        "iterations = 10000\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        cr_expect_not_null(strstr(o.out, lines[i]), "no %s in %s", lines[i], o.out);
    }
    o = run(&s, "--help");
    expect_done(&o);
    cr_expect(strstr(o.out, "Usage: jebm-gmm FIGURE") != NULL &&
                  strstr(o.out, "figures 1, 6, 7, 8, 14 ") != NULL,
              "%s", o.out);
    o = run(&s, "--version");
    expect_done(&o);
    cr_expect_eq(strncmp(o.out, "jebm-gmm ", 9), 0, "%s", o.out);
    cr_expect(!exists(&s, "results"));
    scratch_free(&s);
}

/* smallest sizes that the keys allow */
Test(gmm_program, one_walker_one_point_and_one_dimension_run) {
    const scratch s = scratch_new();
    const outcome o = run(&s, "fig06 --runs 1 --set d=1 --set walkers=1 --set data=1 --set "
                              "iterations=3 --set record_every=1 --set c=0.5" QUIET "--out d");
    expect_done(&o);
    cr_expect(exists(&s, "d/fig06/summary.csv"));
    scratch_free(&s);
}
