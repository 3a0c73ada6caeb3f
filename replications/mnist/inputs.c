/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mnist.h"

#include "app/nearest.h"
#include "app/rundir.h"
#include "app/share.h"
#include "io/digest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* of the classifier: it is one of the instruments, the same for all runs */
enum { CLASSIFIER_SEED = 1 };

/* order as in the choices of the keys */
enum { BACKEND_AUTO, BACKEND_REFERENCE, BACKEND_OPENBLAS, BACKEND_ONEDNN };
enum { DRIFT_FP32, DRIFT_BF16 };

/* ---- settings ------------------------------------------------------------------------------- */

typedef struct selection {
    size_t n;
    uint8_t classes[MNIST_CLASSES];
    size_t counts[MNIST_CLASSES];
} selection;

static selection selection_of(const jebm_preset *preset) {
    double classes[32], counts[32];
    selection s = {.n = jebm_preset_reals(preset, "classes", classes)};
    const size_t m = jebm_preset_reals(preset, "counts", counts);
    for (size_t i = 0; i < s.n; i++) {
        s.classes[i] = (uint8_t)classes[i];
        s.counts[i] = (size_t)counts[m > 1 ? i : 0];
    }
    return s;
}

static jebm_status check_lists(const jebm_preset *preset, jebm_error *err) {
    double classes[32], counts[32];
    const size_t n = jebm_preset_reals(preset, "classes", classes),
                 m = jebm_preset_reals(preset, "counts", counts);
    const bool all = m == 1 && counts[0] == 0.0;
    if (n < 2 || n > MNIST_CLASSES || (n != m && !all)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "keys 'classes' and 'counts' list %zu and %zu numbers, expected two to "
                         "%d, of each as many, or counts = 0 (all images of each)",
                         n, m, MNIST_CLASSES);
    }
    for (size_t i = 0; i < n; i++) {
        const double count = counts[all ? 0 : i];
        bool twice = false;
        for (size_t j = 0; j < i; j++) {
            twice |= classes[i] == classes[j];
        }
        if (classes[i] != floor(classes[i]) || count != floor(count) || twice) {
            return jebm_fail(err, JEBM_EINVAL,
                             "keys 'classes' and 'counts' list %g and %g, expected whole numbers, "
                             "each class once",
                             classes[i], count);
        }
    }
    return JEBM_OK;
}

static jebm_status check_batch(const jebm_preset *preset, size_t total, jebm_error *err) {
    const uint64_t batch = jebm_preset_count(preset, "data_batch");
    return batch <= total ? JEBM_OK
                          : jebm_fail(err, JEBM_EINVAL,
                                      "key 'data_batch' is %llu, expected at most the %zu images "
                                      "of 'counts'",
                                      (unsigned long long)batch, total);
}

static bool is_own_set(const char *set) {
    return strchr(set, '/') != NULL;
}

static jebm_status check_set(const jebm_preset *preset, jebm_error *err) {
    const char *set = jebm_preset_text(preset, "data_set");
    static const char *const sets[] = {"mnist", "fashion-mnist"};
    enum { SETS = sizeof sets / sizeof sets[0] };
    bool known = is_own_set(set);
    for (size_t i = 0; i < SETS; i++) {
        known |= strcmp(set, sets[i]) == 0;
    }
    char hint[JEBM_HINT_TEXT];
    return known ? JEBM_OK
                 : jebm_fail(err, JEBM_EINVAL,
                             "key 'data_set' is '%.80s', expected mnist, fashion-mnist or a "
                             "directory with a / in its name (./%.80s)%s",
                             set, set, jebm_nearest_hint(set, sets, SETS, hint));
}

jebm_status mnist_inputs_check(const jebm_preset *preset, jebm_error *err) {
    JEBM_TRY(check_set(preset, err));
    JEBM_TRY(check_lists(preset, err));
    const selection s = selection_of(preset);
    size_t total = 0;
    bool open = false;
    for (size_t i = 0; i < s.n; i++) {
        total += s.counts[i];
        open |= s.counts[i] == 0;
    }
    return open ? JEBM_OK : check_batch(preset, total, err);
}

static jebm_status choose_backend(const jebm_preset *preset, mnist_inputs *inputs,
                                  jebm_error *err) {
    static const jebm_gemm_backend given[] = {[BACKEND_REFERENCE] = JEBM_GEMM_REFERENCE,
                                              [BACKEND_OPENBLAS] = JEBM_GEMM_OPENBLAS,
                                              [BACKEND_ONEDNN] = JEBM_GEMM_ONEDNN};
    const size_t choice = jebm_preset_choice(preset, "backend");
    inputs->backend = choice == BACKEND_AUTO ? jebm_gemm_default() : given[choice];
    inputs->drift =
        jebm_preset_choice(preset, "drift") == DRIFT_BF16 ? JEBM_GEMM_BF16 : inputs->backend;
    const jebm_gemm_backend wanted[] = {inputs->backend, inputs->drift};
    for (size_t i = 0; i < 2; i++) {
        if (!jebm_gemm_available(wanted[i])) {
            return jebm_fail(err, JEBM_EUNSUPPORTED,
                             "key '%s': %s is not in this build or not for this CPU; expected "
                             "%s",
                             i == 0 ? "backend" : "drift", jebm_gemm_name(wanted[i]),
                             i == 0 ? "backend=auto" : "drift=fp32");
        }
    }
    return JEBM_OK;
}

/* ---- images --------------------------------------------------------------------------------- */

/* Counts of test images in the proportions of the training images, as many as there are. */
static void proportion(const jebm_images *all, selection *s) {
    size_t there[MNIST_CLASSES] = {0};
    for (size_t i = 0; i < all->n; i++) {
        for (size_t j = 0; j < s->n; j++) {
            there[j] += all->label[i] == s->classes[j];
        }
    }
    double share = INFINITY;
    for (size_t j = 0; j < s->n; j++) {
        share = fmin(share, (double)there[j] / (double)s->counts[j]);
    }
    for (size_t j = 0; j < s->n; j++) {
        /* rounded up, for 0 would mean all */
        const double count = fmax(1.0, share * (double)s->counts[j]);
        s->counts[j] = (size_t)count;
    }
}

/* streams of random numbers of the noise on images, apart from those of runs (settings.c) */
enum { NOISE_TRAIN = 250, NOISE_TEST = 251 };

typedef struct whole_set {
    jebm_images train, test; /* all of the data set */
    jebm_images learn, judge; /* those of the classes, for the classifier */
} whole_set;

static void whole_free(whole_set *w) {
    jebm_images_free(&w->train);
    jebm_images_free(&w->test);
    jebm_images_free(&w->learn);
    jebm_images_free(&w->judge);
}

static jebm_status load(const char *set, bool verify, const char *directory, jebm_split split,
                        const char *key, jebm_images *images, json_t *found, jebm_error *err) {
    char digest[JEBM_DIGEST_TEXT];
    JEBM_TRY(jebm_mnist_load(directory, split, images, digest, err));
    if (verify) {
        JEBM_TRY(jebm_mnist_verify(set, split, digest, directory, err));
    }
    json_object_set_new(found, key, json_string(digest));
    return JEBM_OK;
}

static jebm_status load_all(const jebm_preset *preset, const char *data, whole_set *w,
                            json_t *found, jebm_error *err) {
    const char *set = jebm_preset_text(preset, "data_set");
    const bool own = is_own_set(set), verify = !own && jebm_preset_bool(preset, "verify");
    char directory[JEBM_PATH_SIZE];
    if (own) {
        snprintf(directory, sizeof directory, "%s", set);
    } else {
        JEBM_TRY(jebm_data_directory(data, set, directory, sizeof directory, err));
    }
    JEBM_TRY(load(set, verify, directory, JEBM_TRAIN, "train_sha256", &w->train, found, err));
    return load(set, verify, directory, JEBM_TEST, "test_sha256", &w->test, found, err);
}

/* Pixels at the very edge of the cube have a likelihood without bound: a little noise, drawn once,
 * gives the learnt density a width. */
static jebm_status add_noise(const jebm_preset *preset, uint64_t stream, jebm_images *images,
                             jebm_error *err) {
    const double sigma = jebm_preset_real(preset, "data_noise");
    const size_t d = images->channels * images->height * images->width;
    const jebm_rng rng = jebm_rng_make(jebm_preset_seed(preset), stream);
    float *noise = malloc(d * sizeof *noise);
    if (noise == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for an image of %zu pixels", d);
    }
    for (size_t i = 0; sigma > 0.0 && i < images->n; i++) {
        float *x = images->x + i * d;
        jebm_rng_normals(rng, JEBM_LANE_NOISE, 0, i, 1, d, (float)sigma, noise);
        for (size_t j = 0; j < d; j++) {
            /* where it stands in a zigzag of period 4 */
            const float y = fmodf(fabsf(x[j] + noise[j] + 1.0f), 4.0f);
            x[j] = (y > 2.0f ? 4.0f - y : y) - 1.0f;
        }
    }
    free(noise);
    return JEBM_OK;
}

/* Images of each label, and whether part of the data set has all the classes. */
static jebm_status count_labels(const jebm_preset *preset, const selection *s,
                                const jebm_images *images, const char *part,
                                size_t counts[MNIST_CLASSES], jebm_error *err) {
    char labels[3 * MNIST_CLASSES] = "";
    memset(counts, 0, MNIST_CLASSES * sizeof *counts);
    for (size_t i = 0; i < images->n; i++) {
        counts[images->label[i]]++;
    }
    for (size_t j = 0; j < MNIST_CLASSES; j++) {
        const size_t used = strlen(labels);
        if (counts[j] > 0) {
            snprintf(labels + used, sizeof labels - used, "%s%zu", used > 0 ? " " : "", j);
        }
    }
    for (size_t j = 0; j < s->n; j++) {
        if (counts[s->classes[j]] == 0) {
            return jebm_fail(err, JEBM_EINVAL,
                             "key 'classes' has %u, but the %s images of %.300s are of the classes "
                             "%s; name those wanted (--set \"classes=...\", with --set counts=0 "
                             "for all images of each)",
                             s->classes[j], part, jebm_preset_text(preset, "data_set"), labels);
        }
    }
    return JEBM_OK;
}

/* Counts of 0 become those that there are; they are worth knowing then. */
static jebm_status settle_counts(const jebm_preset *preset, whole_set *w, selection *s,
                                 json_t *found, jebm_error *err) {
    size_t there[MNIST_CLASSES], total = 0;
    char text[16 * MNIST_CLASSES] = "";
    bool open = false;
    JEBM_TRY(count_labels(preset, s, &w->test, "test", there, err));
    JEBM_TRY(count_labels(preset, s, &w->train, "training", there, err));
    for (size_t j = 0; j < s->n; j++) {
        open |= s->counts[j] == 0;
        s->counts[j] = s->counts[j] > 0 ? s->counts[j] : there[s->classes[j]];
        total += s->counts[j];
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%zu", j > 0 ? " " : "", s->counts[j]);
    }
    if (open) {
        json_object_set_new(found, "counts_found", json_string(text));
    }
    return check_batch(preset, total, err);
}

static jebm_status select_images(const jebm_preset *preset, const selection *s, whole_set *w,
                                 mnist_inputs *inputs, jebm_error *err) {
    static const size_t all[MNIST_CLASSES] = {0};
    selection tests = *s;
    JEBM_TRY(jebm_images_select(&w->train, s->n, s->classes, s->counts, &inputs->train, err));
    proportion(&w->test, &tests);
    JEBM_TRY(jebm_images_select(&w->test, s->n, s->classes, tests.counts, &inputs->test, err));
    JEBM_TRY(add_noise(preset, NOISE_TRAIN, &inputs->train, err));
    JEBM_TRY(add_noise(preset, NOISE_TEST, &inputs->test, err));
    JEBM_TRY(jebm_images_select(&w->train, s->n, s->classes, all, &w->learn, err));
    JEBM_TRY(jebm_images_select(&w->test, s->n, s->classes, all, &w->judge, err));
    inputs->nclasses = s->n;
    for (size_t j = 0; j < s->n; j++) {
        inputs->target[j] = (double)s->counts[j] / (double)inputs->train.n;
    }
    return JEBM_OK;
}

/* ---- the classifier ------------------------------------------------------------------------- */

static jebm_status check_classifier(const char *path, const selection *s,
                                    const mnist_inputs *inputs, jebm_error *err) {
    const jebm_classifier_facts *c = jebm_classifier_about(inputs->classifier);
    const jebm_images *x = &inputs->train;
    const bool same = c->nclasses == s->n && memcmp(c->classes, s->classes, s->n) == 0 &&
                      c->shape.channels == x->channels && c->shape.height == x->height &&
                      c->shape.width == x->width;
    return same
               ? JEBM_OK
               : jebm_fail(err, JEBM_EMISMATCH,
                           "%s: is a classifier of %zu classes and %zux%zu images, expected the "
                           "classes of the preset and %zux%zu",
                           path, c->nclasses, c->shape.height, c->shape.width, x->height, x->width);
}

/* DIRECTORY/classifier-SET-CLASSES.h5, an own set being known by the beginning of its digest; NULL
 * without memory */
static char *cache_path(const jebm_preset *preset, const char *directory, const selection *s,
                        const json_t *found) {
    const char *set = jebm_preset_text(preset, "data_set");
    const char *name =
        is_own_set(set) ? json_string_value(json_object_get(found, "train_sha256")) : set;
    char classes[4 * MNIST_CLASSES + 1] = "";
    for (size_t i = 0; i < s->n; i++) {
        snprintf(classes + strlen(classes), 5, "-%u", s->classes[i]);
    }
    return name != NULL ? jebm_format("%s/classifier-%.16s%s.h5", directory, name, classes) : NULL;
}

/* The one that is kept beside the runs if it is what training would give; else train and keep it.
 */
static jebm_status train_or_load(const char *path, const char *directory, const selection *s,
                                 const whole_set *w, mnist_inputs *inputs, json_t *found,
                                 jebm_error *err) {
    jebm_classifier_config config = jebm_classifier_usual(s->n, s->classes);
    char fingerprint[JEBM_DIGEST_TEXT];
    config.backend = inputs->backend;
    jebm_classifier_fingerprint(&config, &w->learn, &w->judge, CLASSIFIER_SEED, fingerprint);
    json_object_set_new(found, "classifier", json_string(fingerprint));
    if (access(path, R_OK) == 0 &&
        jebm_classifier_load(path, inputs->backend, &inputs->classifier, NULL) == JEBM_OK) {
        if (strcmp(jebm_classifier_about(inputs->classifier)->fingerprint, fingerprint) == 0) {
            return JEBM_OK;
        }
        jebm_classifier_free(inputs->classifier);
        inputs->classifier = NULL;
    }
    JEBM_TRY(jebm_classifier_train(&config, &w->learn, &w->judge, CLASSIFIER_SEED, NULL, NULL,
                                   &inputs->classifier, err));
    JEBM_TRY(jebm_rundir_make(directory, err));
    return jebm_classifier_save(inputs->classifier, path, err);
}

static jebm_status get_classifier(const jebm_preset *preset, const char *directory,
                                  const selection *s, const whole_set *w, mnist_inputs *inputs,
                                  json_t *found, jebm_error *err) {
    const char *given = jebm_preset_text(preset, "classifier");
    if (strcmp(given, "-") != 0) {
        char digest[JEBM_DIGEST_TEXT];
        JEBM_TRY(jebm_classifier_load(given, inputs->backend, &inputs->classifier, err));
        JEBM_TRY(jebm_digest_file(given, digest, err));
        json_object_set_new(found, "classifier", json_string(digest));
        return check_classifier(given, s, inputs, err);
    }
    char *path = cache_path(preset, directory, s, found);
    const jebm_status status = path == NULL
                                   ? jebm_fail(err, JEBM_ENOMEM, "not enough memory for a path")
                                   : train_or_load(path, directory, s, w, inputs, found, err);
    free(path);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* what is worth knowing, but decides nothing that the rest does not */
static void take_notes(const mnist_inputs *inputs, json_t *found) {
    const jebm_classifier_facts *c = jebm_classifier_about(inputs->classifier);
    json_t *notes = json_object();
    char text[1024] = "";
    for (size_t i = 0; i < c->nclasses; i++) {
        for (size_t j = 0; j < c->nclasses; j++) {
            const size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "%s%llu",
                     i + j == 0 ? ""
                     : j == 0   ? " / "
                                : " ",
                     (unsigned long long)c->confusion[i][j]);
        }
    }
    json_object_set_new(notes, "classifier_confusion", json_string(text));
    snprintf(text, sizeof text, "%.6f", c->accuracy);
    json_object_set_new(notes, "classifier_accuracy", json_string(text));
    if (inputs->backend == JEBM_GEMM_OPENBLAS && jebm_gemm_warning() != NULL) {
        json_object_set_new(notes, "blas", json_string(jebm_gemm_warning()));
        fprintf(stderr, "jebm-mnist: warning: %s\n", jebm_gemm_warning());
    }
    json_object_set_new(found, "notes", notes);
}

/* The digests of all models that will be evaluated: a run goes on with the same. */
static jebm_status find_models(const jebm_preset *preset, const char *directory,
                               mnist_inputs *inputs, json_t *found, jebm_error *err) {
    const char *given = jebm_preset_text(preset, "models");
    jebm_cell cells[JEBM_MAX_CELLS];
    size_t n = 0;
    inputs->models =
        strcmp(given, "-") != 0 ? jebm_format("%s", given) : jebm_format("%s/mnist", directory);
    JEBM_TRY(mnist_plan(preset, cells, &n, err));
    for (size_t i = 0; i < n * jebm_preset_count(preset, "runs"); i++) {
        char digest[JEBM_DIGEST_TEXT];
        const jebm_cell *cell = &cells[i % n];
        char *path = inputs->models != NULL ? mnist_model_path(inputs->models, cell, i / n) : NULL,
             *name = mnist_name_of(cell, i / n),
             *key = name != NULL ? jebm_format("model %s", name) : NULL;
        jebm_status status = JEBM_OK;
        if (path == NULL || key == NULL) {
            status = jebm_fail(err, JEBM_ENOMEM, "no memory for the names of models");
        } else if (access(path, R_OK) != 0) {
            status = jebm_fail(err, JEBM_EIO,
                               "%s: is not there; run figure mnist first, name another directory "
                               "with --set models=DIR, or leave it out with --set methods=... or "
                               "--runs R",
                               path);
        } else {
            status = jebm_digest_file(path, digest, err);
            json_object_set_new(found, key, json_string(digest));
        }
        free(path);
        free(name);
        free(key);
        JEBM_TRY(status);
    }
    return JEBM_OK;
}

jebm_status mnist_inputs_read(const jebm_preset *preset, const char *data, const char *directory,
                              json_t *found, mnist_inputs *inputs, jebm_error *err) {
    selection s = selection_of(preset);
    whole_set w = {0};
    JEBM_TRY(choose_backend(preset, inputs, err));
    json_object_set_new(found, "backend", json_string(jebm_gemm_name(inputs->backend)));
    json_object_set_new(found, "drift_backend", json_string(jebm_gemm_name(inputs->drift)));
    jebm_status status = load_all(preset, data, &w, found, err);
    if (status == JEBM_OK) {
        snprintf(inputs->train_sha256, sizeof inputs->train_sha256, "%s",
                 json_string_value(json_object_get(found, "train_sha256")));
        status = settle_counts(preset, &w, &s, found, err);
    }
    if (status == JEBM_OK) {
        status = select_images(preset, &s, &w, inputs, err);
    }
    if (status == JEBM_OK) {
        status = get_classifier(preset, directory, &s, &w, inputs, found, err);
    }
    if (status == JEBM_OK) {
        take_notes(inputs, found);
    }
    if (status == JEBM_OK && mnist_evaluates(preset)) {
        status = find_models(preset, directory, inputs, found, err);
    }
    whole_free(&w);
    return status;
}

void mnist_inputs_free(mnist_inputs *inputs) {
    jebm_images_free(&inputs->train);
    jebm_images_free(&inputs->test);
    jebm_classifier_free(inputs->classifier);
    free(inputs->models);
    memset(inputs, 0, sizeof *inputs);
}
