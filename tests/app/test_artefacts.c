/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/artefacts.h"

#include "scratch.h"

#include <sys/stat.h>

Test(artefacts, a_name_tells_the_run) {
    static const struct {
        const char *name;
        unsigned long run;
    } names[] = {
        {"images/jarzynski-c=1-0-walkers.png", 0},
        {"images/jarzynski-c=1-2-walkers.png", 2},
        {"images/pcd-12-walkers.png", 12},
        {"images/jarzynski-all-fresh_gradient-1-weights.png", 1},
        {"images/c=0.5-1.png", 1},
        {"samples-jarzynski-h=0.0012-2.csv", 2},
        {"samples-jarzynski-h=0.0012-0.csv", 0},
        {"images/test.png", 0},
        {"images/shared-kind.png", 0},
        {"images/c=0.5.png", 0},
        {"images/a-1x.png", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_expect_eq(jebm_artefact_run(names[i].name), names[i].run, "%s", names[i].name);
    }
}

Test(artefacts, what_may_be_absent_is_a_model_or_of_another_run_than_the_first) {
    const scratch s = scratch_new();
    cr_expect(jebm_artefact_left_out(s.directory, "models/pcd-0.h5"));
    cr_expect(jebm_artefact_left_out(s.directory, "images/pcd-1-walkers.png"));
    cr_expect_not(jebm_artefact_left_out(s.directory, "images/pcd-0-walkers.png"));
    cr_expect_not(jebm_artefact_left_out(s.directory, "images/test.png"));
    cr_assert_eq(mkdir(scratch_path(&s, "images"), 0777), 0);
    scratch_put(scratch_path(&s, "images/pcd-1-walkers.png"), "x", 1);
    cr_expect_not(jebm_artefact_left_out(s.directory, "images/pcd-1-walkers.png"));
    scratch_free(&s);
}
