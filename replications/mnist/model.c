/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mnist.h"

#include "app/share.h"
#include "io/checkpoint.h"

#include <stdlib.h>
#include <string.h>

/* groups of the file */
#define STATE "state"
#define ENERGY "energy"

/* what decides U and the data that it learnt; T stands beside it, since it follows from several */
static const char *const kept[] = {"data_set", "classes", "counts",  "data_noise",
                                   "network",  "confine", "walkers", "evaluation"};
enum { KEPT = sizeof kept / sizeof kept[0] };

char *mnist_name_of(const jebm_cell *cell, size_t run) {
    const bool plain = strcmp(cell->variant, "-") == 0;
    return jebm_format("%s%s%s-%zu", cell->method, plain ? "" : "-", plain ? "" : cell->variant,
                       run);
}

char *mnist_model_path(const char *directory, const jebm_cell *cell, size_t run) {
    char *name = mnist_name_of(cell, run);
    char *path = name != NULL ? jebm_format("%s/models/%s.h5", directory, name) : NULL;
    free(name);
    return path;
}

static jebm_status no_memory(jebm_error *err) {
    return jebm_fail(err, JEBM_ENOMEM, "no memory for a model");
}

static jebm_status put_all(mnist_run *x, jebm_checkpoint *out, jebm_error *err) {
    double temperature = mnist_temperature(x->preset, &x->cell);
    const jebm_array T = {"temperature", JEBM_F64, 1, {1}, &temperature};
    jebm_array arrays[JEBM_MAX_STATE];
    for (size_t i = 0; i < KEPT; i++) {
        JEBM_TRY(jebm_checkpoint_put_text(out, kept[i], jebm_preset_text(x->preset, kept[i]), err));
    }
    JEBM_TRY(jebm_checkpoint_put(out, ENERGY, &T, err));
    const size_t n = jebm_trainer_arrays(x->trainer, JEBM_MAX_STATE, arrays);
    for (size_t i = 0; i < n; i++) {
        JEBM_TRY(jebm_checkpoint_put(out, STATE, &arrays[i], err));
    }
    return JEBM_OK;
}

jebm_status mnist_model_save(mnist_run *x, const char *directory, const jebm_cell *cell,
                             jebm_error *err) {
    char *path = mnist_model_path(directory, cell, x->run);
    jebm_checkpoint *out = NULL;
    jebm_status status = path == NULL ? no_memory(err) : jebm_checkpoint_create(path, &out, err);
    if (status == JEBM_OK) {
        status = put_all(x, out, err);
        if (status == JEBM_OK) {
            status = jebm_checkpoint_commit(out, err);
        } else {
            jebm_checkpoint_close(out);
        }
    }
    free(path);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------- */

static jebm_status check_keys(const mnist_run *x, jebm_checkpoint *in, const char *path,
                              jebm_error *err) {
    for (size_t i = 0; i < KEPT; i++) {
        const char *here = jebm_preset_text(x->preset, kept[i]);
        char *there = NULL;
        JEBM_TRY(jebm_checkpoint_get_text(in, kept[i], &there, err));
        const jebm_status status =
            strcmp(here, there) == 0
                ? JEBM_OK
                : jebm_fail(err, JEBM_EMISMATCH,
                            "%s: was trained with %s = %s, but here it is %s; give the scale, "
                            "fidelity and --set of that run",
                            path, kept[i], there, here);
        free(there);
        JEBM_TRY(status);
    }
    double there = 0.0;
    const jebm_array T = {"temperature", JEBM_F64, 1, {1}, &there};
    JEBM_TRY(jebm_checkpoint_get(in, ENERGY, &T, err));
    const double here = mnist_temperature(x->preset, &x->cell);
    return there == here ? JEBM_OK
                         : jebm_fail(err, JEBM_EMISMATCH,
                                     "%s: its energy has T = %g, but here it is %g; give the "
                                     "fidelity, temperature, h, sigma and quirks of that run",
                                     path, there, here);
}

static jebm_status get_all(mnist_run *x, jebm_checkpoint *in, const char *path, jebm_error *err) {
    jebm_array arrays[JEBM_MAX_STATE];
    JEBM_TRY(check_keys(x, in, path, err));
    const size_t n = jebm_trainer_arrays(x->trainer, JEBM_MAX_STATE, arrays);
    for (size_t i = 0; i < n; i++) {
        JEBM_TRY(jebm_checkpoint_get(in, STATE, &arrays[i], err));
    }
    return jebm_trainer_restored(x->trainer, err);
}

jebm_status mnist_model_load(mnist_run *x, const jebm_cell *cell, jebm_error *err) {
    char *path = mnist_model_path(x->inputs->models, cell, x->run);
    jebm_checkpoint *in = NULL;
    jebm_status status = path == NULL ? no_memory(err) : jebm_checkpoint_open(path, &in, err);
    if (status == JEBM_OK) {
        status = get_all(x, in, path, err);
        jebm_checkpoint_close(in);
    }
    free(path);
    return status;
}
