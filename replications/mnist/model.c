/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mnist.h"

#include "app/environment.h"
#include "app/share.h"
#include "energy/convnet.h"
#include "io/checkpoint.h"

#include <stdlib.h>
#include <string.h>

/* groups of the file; of the layers one each below the energy's */
#define STATE "state"
#define ENERGY "energy"
static const char *const populations[] = {"walkers", "evaluation"};

/* Attributes of the file that must be those of the run that reads it: what decides U and the data
 * that it learnt. T stands beside the layers, since it follows from several keys; which data there
 * were follows from their digest. */
static const char *const kept[] = {"classes", "counts",  "data_noise", "network",
                                   "confine", "walkers", "evaluation"};
enum { KEPT = sizeof kept / sizeof kept[0] };
#define DATA_DIGEST "data_sha256"

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

static jebm_status put_attributes(const mnist_run *x, const jebm_cell *cell, jebm_checkpoint *out,
                                  jebm_error *err) {
    const jebm_images *images = &x->inputs->train;
    char revision[64], shape[64], run[32], updates[32];
    jebm_revision(revision);
    snprintf(shape, sizeof shape, "%zu %zu %zu", images->channels, images->height, images->width);
    snprintf(run, sizeof run, "%zu", x->run);
    snprintf(updates, sizeof updates, "%llu",
             (unsigned long long)jebm_trainer_observe(x->trainer, 0).k);
    const char *const facts[][2] = {
        {"what",
         "energy of images U = F/T, F the network whose layers are in the group energy, and "
         "the walkers that it was trained with"},
        {"program", "jebm-mnist " JEBM_VERSION},
        {"git_revision", revision},
        {"method", cell->method},
        {"variant", cell->variant},
        {"run", run},
        {"updates", updates},
        {"data_set", jebm_preset_text(x->preset, "data_set")},
        {DATA_DIGEST, x->inputs->train_sha256},
        {"image_shape", shape},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        JEBM_TRY(jebm_checkpoint_put_attribute(out, facts[i][0], facts[i][1], err));
    }
    for (size_t i = 0; i < KEPT; i++) {
        JEBM_TRY(
            jebm_checkpoint_put_attribute(out, kept[i], jebm_preset_text(x->preset, kept[i]), err));
    }
    return JEBM_OK;
}

/* T, and the layers in the groups energy/NUMBER_WORD */
static jebm_status put_energy(const mnist_run *x, jebm_checkpoint *out, jebm_error *err) {
    const jebm_energy *e = jebm_trainer_energy(x->trainer);
    const jebm_network *net = jebm_convnet_network(e);
    double temperature = mnist_temperature(x->preset, &x->cell);
    const jebm_array T = {"temperature", JEBM_F64, 1, {1}, &temperature};
    JEBM_TRY(jebm_checkpoint_put(out, ENERGY, &T, err));
    for (size_t i = 0; i < jebm_network_layers(net); i++) {
        char group[48];
        jebm_array arrays[2];
        const char *word = jebm_network_layer(net, i, e->theta, arrays);
        snprintf(group, sizeof group, ENERGY "/%02zu_%s", i, word);
        JEBM_TRY(jebm_checkpoint_put(out, group, &arrays[0], err));
        JEBM_TRY(jebm_checkpoint_put(out, group, &arrays[1], err));
    }
    return JEBM_OK;
}

static jebm_status put_walkers(const mnist_run *x, size_t population, jebm_checkpoint *out,
                               jebm_error *err) {
    const jebm_ensemble *e = jebm_trainer_ensemble(x->trainer, population);
    double log_z = jebm_trainer_observe(x->trainer, population).log_z;
    const jebm_array arrays[] = {{"x", JEBM_F32, 2, {e->n, e->d}, e->x},
                                 {"log_weight", JEBM_F64, 1, {e->n}, e->logw},
                                 {"energy", JEBM_F64, 1, {e->n}, e->U},
                                 {"log_z", JEBM_F64, 1, {1}, &log_z}};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        JEBM_TRY(jebm_checkpoint_put(out, populations[population], &arrays[i], err));
    }
    return JEBM_OK;
}

/* What the trainer goes on from; the walkers are those that stand in their own group. */
static jebm_status put_state(mnist_run *x, jebm_checkpoint *out, jebm_error *err) {
    jebm_array arrays[JEBM_MAX_STATE];
    const size_t n = jebm_trainer_arrays(x->trainer, JEBM_MAX_STATE, arrays),
                 npopulations = x->evaluated ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        size_t p = 0;
        while (p < npopulations && arrays[i].data != jebm_trainer_ensemble(x->trainer, p)->x) {
            p++;
        }
        if (p < npopulations) {
            char target[64];
            snprintf(target, sizeof target, "%s/x", populations[p]);
            JEBM_TRY(jebm_checkpoint_link(out, STATE, arrays[i].name, target, err));
        } else {
            JEBM_TRY(jebm_checkpoint_put(out, STATE, &arrays[i], err));
        }
    }
    return JEBM_OK;
}

static jebm_status put_all(mnist_run *x, const jebm_cell *cell, jebm_checkpoint *out,
                           jebm_error *err) {
    JEBM_TRY(jebm_trainer_settle(x->trainer, err));
    JEBM_TRY(put_attributes(x, cell, out, err));
    JEBM_TRY(put_energy(x, out, err));
    JEBM_TRY(put_walkers(x, 0, out, err));
    if (x->evaluated) {
        JEBM_TRY(put_walkers(x, 1, out, err));
    }
    return put_state(x, out, err);
}

jebm_status mnist_model_save(mnist_run *x, const char *directory, const jebm_cell *cell,
                             jebm_error *err) {
    char *path = mnist_model_path(directory, cell, x->run);
    jebm_checkpoint *out = NULL;
    jebm_status status = path == NULL ? no_memory(err) : jebm_checkpoint_create(path, &out, err);
    if (status == JEBM_OK) {
        status = put_all(x, cell, out, err);
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

/* An attribute must be what this run has. */
static jebm_status check_attribute(jebm_checkpoint *in, const char *path, const char *name,
                                   const char *here, const char *advice, jebm_error *err) {
    char *there = NULL;
    JEBM_TRY(jebm_checkpoint_get_attribute(in, name, &there, err));
    const jebm_status status =
        strcmp(here, there) == 0
            ? JEBM_OK
            : jebm_fail(err, JEBM_EMISMATCH, "%s: was trained with %s = %s, but here it is %s; %s",
                        path, name, there, here, advice);
    free(there);
    return status;
}

static jebm_status check_keys(const mnist_run *x, jebm_checkpoint *in, const char *path,
                              jebm_error *err) {
    JEBM_TRY(check_attribute(in, path, DATA_DIGEST, x->inputs->train_sha256,
                             "give the data that it learnt", err));
    for (size_t i = 0; i < KEPT; i++) {
        JEBM_TRY(check_attribute(in, path, kept[i], jebm_preset_text(x->preset, kept[i]),
                                 "give the scale, fidelity and --set of that run", err));
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
