/* What the files of jebm-mnist share: the images and the classifier that all runs use, what differs
 * from cell to cell, and one run.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_MNIST_MNIST_H
#define JEBM_MNIST_MNIST_H

#include "app/driver.h"
#include "core/trainer.h"
#include "data/images.h"
#include "metrics/ais.h"
#include "metrics/classifier.h"
#include "metrics/masses.h"

enum { MNIST_CLASSES = 10 }; /* at most: labels are 0 to 9, and as many columns there are */
enum { MNIST_EVALUATIONS = 10 }; /* at most, of a model: each has four times the steps */

/* ---- inputs.c ------------------------------------------------------------------------------- */

typedef struct mnist_inputs {
    jebm_images train; /* what is learnt */
    jebm_images test; /* in the proportions of train */
    size_t nclasses;
    double target[MNIST_CLASSES]; /* the data's masses of the classes */
    jebm_classifier *classifier;
    jebm_gemm_backend backend, drift;
    char train_sha256[JEBM_DIGEST_TEXT]; /* of the whole training part of the data set */
    char *models; /* study evaluate: the directory of their runs; NULL otherwise */
} mnist_inputs;

/* See jebm_driver's inputs. */
jebm_status mnist_inputs_read(const jebm_preset *preset, const char *data, const char *directory,
                              json_t *found, mnist_inputs *inputs, jebm_error *err);
void mnist_inputs_free(mnist_inputs *inputs);

/* What no single key about the data can show. */
jebm_status mnist_inputs_check(const jebm_preset *preset, jebm_error *err);

/* ---- settings.c ----------------------------------------------------------------------------- */

/* What the released code does otherwise, in the order of the key quirks. */
#define MNIST_QUIRKS                                                    \
    "tempered|regularised|unweighed_refusal|stale_weights|stale_start|" \
    "unpermuted_energies|fresh_gradient|released_log_z"
enum {
    QUIRK_TEMPERED,
    QUIRK_REGULARISED,
    QUIRK_UNWEIGHED_REFUSAL,
    QUIRK_STALE_WEIGHTS,
    QUIRK_STALE_START,
    QUIRK_UNPERMUTED_ENERGIES,
    QUIRK_FRESH_GRADIENT,
    QUIRK_RELEASED_LOG_Z,
    NQUIRKS
};

extern const char *const mnist_quirks[NQUIRKS];
extern const jebm_key mnist_keys[];
extern const size_t mnist_nkeys;

/* What differs from cell to cell. */
typedef struct mnist_cell {
    jebm_method method;
    bool from_noise; /* pcd that starts at noise, as released */
    double c; /* resampling threshold */
    double ess_cost;
    double h; /* time step */
    unsigned quirks; /* bit i: mnist_quirks[i] */
    size_t stream; /* of its random numbers: the method, so that variants can be compared */
} mnist_cell;

jebm_status mnist_plan(const jebm_preset *preset, jebm_cell *cells, size_t *ncells,
                       jebm_error *err);
mnist_cell mnist_cell_of(const jebm_preset *preset, const jebm_cell *cell);

/* Energy at theta_0 of a run, and how to train it. */
jebm_status mnist_energy(const jebm_preset *preset, const mnist_cell *cell,
                         const mnist_inputs *inputs, size_t run, jebm_energy **energy,
                         jebm_error *err);
jebm_trainer_config mnist_training(const jebm_preset *preset, const mnist_cell *cell, size_t run);

/* T of the U whose log-weights are those of the cell. */
double mnist_temperature(const jebm_preset *preset, const mnist_cell *cell);

/* Are models of earlier runs evaluated, instead of trained? */
bool mnist_evaluates(const jebm_preset *preset);

/* Streams of random numbers of a run; the trainer has its own. Of annealing, for whom the walkers
 * back start at, and for either way; other ones for each step of an evaluation. */
jebm_rng mnist_picture_stream(const jebm_preset *preset, size_t run);
void mnist_annealing_streams(const jebm_preset *preset, size_t run, size_t step,
                             jebm_rng streams[3]);

/* ---- run.c ---------------------------------------------------------------------------------- */

typedef struct mnist_run {
    const jebm_preset *preset;
    const mnist_inputs *inputs;
    mnist_cell cell;
    size_t run;
    jebm_trainer *trainer;
    bool evaluated; /* there is an evaluation population */
    bool measured; /* distance is up to date */
    uint64_t evaluations; /* steps of study evaluate so far */

    /* of the training walkers, when they were last looked at */
    float *log_p; /* [n][nclasses], n of the larger population */
    uint8_t *class_of; /* [n] */
    double *confidence; /* [n] */
    double *p; /* [n] normalised weights */
    double *distance; /* [n] to the nearest training image; at the last step */
    double *block_U; /* [blocks of test images] */
} mnist_run;

extern const char *const mnist_columns[];
extern const size_t mnist_ncolumns;
/* See jebm_driver. */
size_t mnist_width(const jebm_preset *preset);

uint64_t mnist_memory(const jebm_preset *preset, const mnist_inputs *inputs, const char **key);
jebm_status mnist_open(const jebm_preset *preset, const mnist_inputs *inputs,
                       const mnist_cell *cell, size_t run, mnist_run **out, jebm_error *err);
void mnist_close(mnist_run *x);
jebm_status mnist_record(mnist_run *x, double *row, jebm_error *err);

/* Write log_p, class_of and confidence of images [n][d], n as of the larger population; then masses
 * by these classes and log-weights [n], with errors by a bootstrap of walkers, or of families [n]
 * of them; NULL: walkers. */
jebm_status mnist_classify(mnist_run *x, size_t n, const float *images, jebm_error *err);
jebm_status mnist_masses(const mnist_run *x, size_t n, const double *logw, const uint32_t *family,
                         jebm_masses *out, jebm_error *err);

/* Bring everything that mnist_run keeps of the walkers up to date. */
jebm_status mnist_look(mnist_run *x, jebm_error *err);
jebm_status mnist_measure(mnist_run *x, jebm_error *err);

/* ---- model.c -------------------------------------------------------------------------------- */

/* METHOD[-VARIANT]-RUN, and DIRECTORY/models/METHOD[-VARIANT]-RUN.h5; the caller's to free, NULL
 * without memory. */
char *mnist_name_of(const jebm_cell *cell, size_t run);
char *mnist_model_path(const char *directory, const jebm_cell *cell, size_t run);

/* Write a model, or read it from inputs->models into a run that was just opened. The file says by
 * its attributes what it is; it holds the layers of the network (energy/NUMBER_WORD), the walkers
 * of each population with their log-weights (walkers, evaluation) and all that
 * jebm_trainer_arrays() names (state).
 *
 * Errors   JEBM_EIO, JEBM_EFORMAT if it cannot be read; JEBM_EMISMATCH, with the key, if it is of
 *          other data, of another energy or of other numbers of walkers. */
jebm_status mnist_model_save(mnist_run *x, const char *directory, const jebm_cell *cell,
                             jebm_error *err);
jebm_status mnist_model_load(mnist_run *x, const jebm_cell *cell, jebm_error *err);

/* ---- evaluate.c ----------------------------------------------------------------------------- */

/* log Z of a model from both ends of an annealing path (metrics/ais.h), whatever the method. */
typedef struct mnist_sandwich {
    jebm_ais_estimate forward, reverse;
    /* of the model, by the weights of the walkers that went forward, and with the errors of a
     * bootstrap of families, walkers of one ancestor at the start */
    jebm_masses masses, by_family;
} mnist_sandwich;

/* What it holds while it anneals walkers [d]. */
uint64_t mnist_annealing_bytes(const jebm_preset *preset, size_t d);

/* After mnist_look(), whose classes it overwrites; `step` of an evaluation chooses the random
 * numbers. Errors   JEBM_ENOMEM; JEBM_EDIVERGE if a weight is not finite. */
jebm_status mnist_anneal(mnist_run *x, size_t steps, size_t step, mnist_sandwich *out,
                         jebm_error *err);

/* ---- pictures.c ----------------------------------------------------------------------------- */

/* See jebm_driver's artefacts; the run is complete. */
jebm_status mnist_pictures(mnist_run *x, const char *directory, const jebm_cell *cell,
                           jebm_error *err);

#endif
