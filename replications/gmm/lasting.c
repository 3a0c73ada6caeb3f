/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lasting.h"

#include "energy/gmm.h"

#include <math.h>

/* sums over the weights of one mode, relative to its largest log-weight so far */
typedef struct tally {
    size_t n;
    double max, sum, sum_2;
} tally;

static void add(tally *t, double B) {
    if (B > t->max) {
        const double scale = exp(t->max - B);
        *t = (tally){t->n, B, t->sum * scale, t->sum_2 * scale * scale};
    }
    const double w = B > -INFINITY ? exp(B - t->max) : 0.0;
    t->n++;
    t->sum += w;
    t->sum_2 += w * w;
}

static double squared_distance(size_t d, const float *x, const double *mean) {
    double sum = 0.0;
    for (size_t j = 0; j < d; j++) {
        const double u = (double)x[j] - mean[j];
        sum += u * u;
    }
    return sum;
}

static size_t mode_of(const jebm_energy *e, const float *x, float *resp) {
    size_t largest = 0;
    jebm_gmm_responsibilities(e, x, resp);
    for (size_t k = 1; k < jebm_gmm_modes(e); k++) {
        largest = resp[k] > resp[largest] ? k : largest;
    }
    return largest;
}

void mixture_lasting_cv2(const jebm_energy *e, const jebm_ensemble *walkers, double h,
                         double *cv2) {
    const size_t modes = jebm_gmm_modes(e), d = e->d;
    float resp[JEBM_GMM_MAX_MODES];
    tally of[JEBM_GMM_MAX_MODES];
    for (size_t k = 0; k < modes; k++) {
        of[k] = (tally){.max = -INFINITY};
    }
    for (size_t i = 0; i < walkers->n; i++) {
        const float *x = walkers->x + i * d;
        const size_t k = mode_of(e, x, resp);
        add(&of[k], walkers->logw[i] + 0.25 * h * squared_distance(d, x, e->theta + k * d));
    }
    for (size_t k = 0; k < modes; k++) {
        cv2[k] = (double)of[k].n * of[k].sum_2 / (of[k].sum * of[k].sum) - 1.0;
    }
}
