/* jebm-mnist: energies that are convolutional networks, trained on an imbalanced set of three
 * classes of images (Section 4.2 and App. B.2: figures 2, 3, 4, 11 and 12), and studies of the
 * resampling threshold, of steps limited by the ESS, and of what the released code does otherwise.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "mnist.h"

/* what all runs of this process share; read once, by inputs() */
static mnist_inputs shared;

static jebm_status inputs(const jebm_preset *preset, const char *data, const char *directory,
                          json_t *found, jebm_error *err) {
    JEBM_TRY(mnist_inputs_read(preset, data, directory, found, &shared, err));
    // whether the network fits the images shows here, not when the first run starts
    const jebm_cell any = {0};
    const mnist_cell settings = mnist_cell_of(preset, &any);
    jebm_energy *energy = NULL;
    JEBM_TRY(mnist_energy(preset, &settings, &shared, 0, &energy, err));
    jebm_energy_free(energy);
    return JEBM_OK;
}

static uint64_t memory(const jebm_preset *preset, const char **key) {
    return mnist_memory(preset, &shared, key);
}

static jebm_status open_run(const jebm_preset *preset, const jebm_cell *cell, size_t run,
                            void **state, jebm_error *err) {
    const mnist_cell settings = mnist_cell_of(preset, cell);
    mnist_run *x = NULL;
    JEBM_TRY(mnist_open(preset, &shared, &settings, run, &x, err));
    const jebm_status status = mnist_evaluates(preset) ? mnist_model_load(x, cell, err) : JEBM_OK;
    if (status != JEBM_OK) {
        mnist_close(x);
        return status;
    }
    *state = x;
    return JEBM_OK;
}

/* of study evaluate the work is done where the row is made */
static jebm_status step(void *state, jebm_error *err) {
    mnist_run *x = state;
    if (mnist_evaluates(x->preset)) {
        x->evaluations++;
        return JEBM_OK;
    }
    return jebm_trainer_step(x->trainer, err);
}

static jebm_status record(void *state, double *row, jebm_error *err) {
    return mnist_record(state, row, err);
}

static size_t arrays(void *state, jebm_array list[JEBM_MAX_STATE]) {
    mnist_run *x = state;
    if (mnist_evaluates(x->preset)) {
        list[0] = (jebm_array){"evaluations", JEBM_U64, 1, {1}, &x->evaluations};
        return 1;
    }
    return jebm_trainer_arrays(x->trainer, JEBM_MAX_STATE, list);
}

static jebm_status restored(void *state, jebm_error *err) {
    mnist_run *x = state;
    return mnist_evaluates(x->preset) ? JEBM_OK : jebm_trainer_restored(x->trainer, err);
}

static jebm_status artefacts(void *state, const char *directory, const jebm_cell *cell, size_t run,
                             jebm_error *err) {
    (void)run; /* it knows */
    mnist_run *x = state;
    if (mnist_evaluates(x->preset)) {
        return JEBM_OK; // pictures and model are those of the run
    }
    JEBM_TRY(mnist_pictures(x, directory, cell, err));
    return mnist_model_save(x, directory, cell, err);
}

static void close_run(void *state) {
    mnist_close(state);
}

int main(int argc, char **argv) {
    const jebm_driver driver = {.program = "jebm-mnist",
                                .purpose = "Convolutional energies on imbalanced MNIST: figures "
                                           "2, 3, 4, 11, 12 and studies",
                                .presets = "replications/mnist/presets/mnist.ini",
                                .keys = mnist_keys,
                                .nkeys = mnist_nkeys,
                                .columns = mnist_columns,
                                .ncolumns = mnist_ncolumns,
                                .width = mnist_width,
                                .plan = mnist_plan,
                                .inputs = inputs,
                                .memory = memory,
                                .open = open_run,
                                .step = step,
                                .record = record,
                                .arrays = arrays,
                                .restored = restored,
                                .artefacts = artefacts,
                                .close = close_run};
    const int status = jebm_app_main(&driver, argc, argv);
    mnist_inputs_free(&shared);
    return status;
}
