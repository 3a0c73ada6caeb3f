/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mnist.h"

#include "energy/convnet.h"

#include <stdlib.h>
#include <string.h>

static size_t annealed(const jebm_preset *preset) {
    const uint64_t n = jebm_preset_count(preset, "ais_walkers");
    return n > 0 ? n : jebm_preset_count(preset, "walkers");
}

uint64_t mnist_annealing_bytes(const jebm_preset *preset, size_t d) {
    /* where they start, are, and end */
    const uint64_t each = 3 * d * sizeof(float) + 5 * sizeof(double);
    return jebm_preset_count(preset, "ais_steps") > 0 ? annealed(preset) * each : 0;
}

/* x [n][d], n <= e->n: walkers after a resampling by their weights, evenly spaced among all */
static jebm_status resample(const jebm_ensemble *e, jebm_rng rng, size_t n, float *x,
                            jebm_error *err) {
    uint32_t *copies = malloc(e->n * sizeof *copies), *parent = malloc(e->n * sizeof *parent);
    double *scratch = malloc(jebm_resample_scratch(e->n) * sizeof *scratch);
    jebm_status status = JEBM_ENOMEM;
    if (copies != NULL && parent != NULL && scratch != NULL) {
        status = jebm_resample_copies(JEBM_SYSTEMATIC, e->n, e->logw, rng, 0, copies, scratch);
    }
    if (status == JEBM_OK) {
        jebm_resample_parents(e->n, copies, parent);
        for (size_t i = 0; i < n; i++) {
            memcpy(x + i * e->d, e->x + parent[i * e->n / n] * e->d, e->d * sizeof *x);
        }
    }
    free(copies);
    free(parent);
    free(scratch);
    return status == JEBM_OK
               ? JEBM_OK
               : jebm_fail(err, status, "annealing: %zu walkers cannot be resampled: %s", e->n,
                           jebm_status_text(status));
}

static jebm_status both_ways(mnist_run *x, jebm_ais_config *c, const jebm_rng streams[3],
                             float *start, mnist_sandwich *out, jebm_error *err) {
    const jebm_energy *energy = jebm_trainer_energy(x->trainer);
    JEBM_TRY(resample(jebm_trainer_ensemble(x->trainer, 0), streams[0], c->walkers, start, err));
    c->move.rng = streams[1];
    JEBM_TRY(jebm_ais_forward(energy, c, &out->forward, err));
    JEBM_TRY(mnist_classify(x, c->walkers, c->x, err));
    JEBM_TRY(mnist_masses(x, c->walkers, c->logw, NULL, &out->masses, err));
    JEBM_TRY(mnist_masses(x, c->walkers, c->logw, c->ancestor, &out->by_family, err));
    c->move.rng = streams[2];
    return jebm_ais_reverse(energy, c, start, &out->reverse, err);
}

jebm_status mnist_anneal(mnist_run *x, size_t steps, size_t step, mnist_sandwich *out,
                         jebm_error *err) {
    const jebm_trainer_config t = mnist_training(x->preset, &x->cell, x->run);
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, 0);
    const double given = jebm_preset_real(x->preset, "ais_h"),
                 h = given > 0.0 ? given : (t.final_h > 0.0 ? t.final_h : t.h);
    const size_t n = annealed(x->preset);
    jebm_rng streams[3];
    mnist_annealing_streams(x->preset, x->run, step, streams);
    float *start = malloc(n * e->d * sizeof *start);
    jebm_ais_config c = {.move = {.h = h, .rule = JEBM_WEIGHTS_EXACT, .bound = t.bound},
                         .h_max = t.h > h ? t.h : h,
                         .walkers = n,
                         .steps = steps,
                         .power = jebm_preset_real(x->preset, "ais_power"),
                         .inner = 1,
                         .threshold = 0.5,
                         .path = jebm_convnet_temper,
                         .x = malloc(n * e->d * sizeof *c.x),
                         .logw = malloc(n * sizeof *c.logw),
                         .ancestor = malloc(n * sizeof *c.ancestor)};
    const jebm_status status =
        start == NULL || c.x == NULL || c.logw == NULL || c.ancestor == NULL
            ? jebm_fail(err, JEBM_ENOMEM, "no memory to anneal %zu walkers", n)
            : both_ways(x, &c, streams, start, out, err);
    free(start);
    free(c.x);
    free(c.logw);
    free(c.ancestor);
    return status;
}
