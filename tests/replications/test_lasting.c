/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lasting.h"

#include "core/langevin.h"
#include "energy/gmm.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum { MODES = 2 };

typedef struct world {
    jebm_energy *e;
    jebm_ensemble walkers;
} world;

/* n exact walkers of a mixture whose modes are 16 apart, a quarter of them in the first */
static world make(size_t n, size_t d) {
    world w = {0};
    cr_assert_eq(jebm_gmm_new(d, MODES, &w.e, NULL), JEBM_OK);
    w.e->theta[0] = -10;
    w.e->theta[d] = 6;
    w.e->theta[MODES * d] = -log(3.0);
    w.e->ops->refresh(w.e);
    cr_assert_eq(jebm_ensemble_init(&w.walkers, n, d, jebm_energy_cache_width(w.e), NULL), JEBM_OK);
    w.e->ops->sample(w.e, jebm_rng_make(5, 1), true, n, 0, n, w.walkers.x);
    return w;
}

static void drop(world *w) {
    jebm_ensemble_free(&w->walkers);
    jebm_energy_free(w->e);
}

/* With A = 0 and u ~ N(0, 1) a coordinate, E w = (1-h/2)^(-d/2) and E w^2 = (1-h)^(-d/2) for
 * w = exp((h/4)|u|^2). The estimate's standard error, from E w^4 = (1-2h)^(-d/2) and E w^3 =
 * (1-3h/2)^(-d/2) by the delta method, is 0.0021 for the 5000 walkers of the first mode. */
Test(lasting, exact_walkers_are_as_uneven_as_the_step_makes_them) {
    const double h = 0.1;
    const size_t d = 50;
    world w = make(20000, d);
    double cv2[MODES];
    mixture_lasting_cv2(w.e, &w.walkers, h, cv2);
    const double expected = pow(1 - h / 2, (double)d) / pow(1 - h, (double)d / 2) - 1;
    for (size_t k = 0; k < MODES; k++) {
        cr_expect_lt(fabs(cv2[k] - expected), 4 * 0.0021, "mode %zu: %g, expected %g", k, cv2[k],
                     expected);
    }
    drop(&w);
}

/* 16 modes' widths apart no walker crosses. What a step changes in B is rounding: x is float, so
 * |x - m|^2 of some 50 is good to 1e-6 of it, (h/4) of that in B, and the steps add up. */
Test(lasting, does_not_change_while_theta_rests) {
    const double h = 0.1;
    const size_t n = 512, d = 50;
    world w = make(n, d);
    uint32_t *ids = malloc(n * sizeof *ids);
    float *scratch = malloc(JEBM_LANGEVIN_ROWS * d * sizeof *scratch);
    cr_assert(ids != NULL && scratch != NULL);
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = i;
    }
    jebm_langevin_begin(w.e, n, ids, &w.walkers);
    double start[MODES], now[MODES], without[MODES], moved = 0;
    mixture_lasting_cv2(w.e, &w.walkers, h, start);
    for (uint64_t k = 0; k < 40; k++) {
        const jebm_move move = {.h = h,
                                .rule = JEBM_WEIGHTS_EXACT,
                                .rng = jebm_rng_make(5, 2),
                                .lane = JEBM_LANE_NOISE,
                                .step = k};
        jebm_langevin_step(w.e, w.e, &move, n, ids, &w.walkers, scratch);
        mixture_lasting_cv2(w.e, &w.walkers, h, now);
        mixture_lasting_cv2(w.e, &w.walkers, 0, without);
        for (size_t m = 0; m < MODES; m++) {
            cr_expect_lt(fabs(now[m] - start[m]), 1e-4 * start[m], "step %llu, mode %zu: %g -> %g",
                         (unsigned long long)k, m, start[m], now[m]);
            moved = fmax(moved, fabs(without[m]));
        }
    }
    /* A alone starts from 0: E w^2/(E w)^2 - 1 for w of where the walkers were and of where they
     * are */
    cr_expect_gt(moved, start[0]);
    free(scratch);
    free(ids);
    drop(&w);
}

/* two passes, as the definition has it, with walkers by the nearer mean: z is as good as nothing
 * beside a distance of 16 */
static double naive(const world *w, double h, size_t k) {
    const size_t n = w->walkers.n, d = w->walkers.d;
    double sum = 0, sum_2 = 0, in = 0;
    for (size_t i = 0; i < n; i++) {
        const float *x = w->walkers.x + i * d;
        double to[MODES] = {0, 0};
        for (size_t m = 0; m < MODES; m++) {
            for (size_t j = 0; j < d; j++) {
                to[m] += pow((double)x[j] - w->e->theta[m * d + j], 2);
            }
        }
        if (to[k] < to[1 - k]) {
            const double weight = exp(w->walkers.logw[i] + h / 4 * to[k]);
            in++;
            sum += weight;
            sum_2 += weight * weight;
        }
    }
    return in * sum_2 / (sum * sum) - 1;
}

Test(lasting, counts_a_mode_by_its_own_walkers) {
    world w = make(999, 3);
    double cv2[MODES];
    for (size_t i = 0; i < 999; i++) {
        w.walkers.logw[i] = sin((double)i) * (i % 7 == 0 ? 5 : 1);
    }
    w.walkers.logw[0] = w.walkers.logw[700] = -INFINITY;
    for (double h = 0; h < 0.5; h += 0.2) {
        mixture_lasting_cv2(w.e, &w.walkers, h, cv2);
        for (size_t k = 0; k < MODES; k++) {
            cr_expect_float_eq(cv2[k], naive(&w, h, k), 1e-9, "h = %g, mode %zu", h, k);
        }
    }
    for (size_t i = 0; i < 999; i++) {
        w.walkers.x[3 * i] = -10;
    }
    mixture_lasting_cv2(w.e, &w.walkers, 0.1, cv2);
    cr_expect(isfinite(cv2[0]) && isnan(cv2[1]), "%g, %g", cv2[0], cv2[1]);
    drop(&w);
}
