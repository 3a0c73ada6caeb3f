/* A small convolutional classifier that tells which mode a walker is in: the released code's
 * network, without its dropout, trained here.
 *
 * Fixed blocks of images are shared out to threads (OpenMP); training and classifying give the same
 * bits for any number of them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_CLASSIFIER_H
#define JEBM_CLASSIFIER_H

#include "data/images.h"
#include "io/digest.h"
#include "metrics/masses.h"
#include "nn/network.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jebm_classifier jebm_classifier;

/* layers up to the hidden units; "linear K | logsoftmax" follows */
#define JEBM_CLASSIFIER_BODY \
    "conv 10 k5 | maxpool 2 | relu | conv 20 k5 | maxpool 2 | relu | linear 50 | relu"

typedef struct jebm_classifier_config {
    const char *body; /* layers as in nn/network.h */
    size_t nclasses; /* K, 2 to JEBM_CLASSES_MAX */
    uint8_t classes[JEBM_CLASSES_MAX]; /* labels; class j of all results is classes[j] */
    jebm_gemm_backend backend;
    size_t epochs; /* passes over the training images, in mini-batches */
    size_t batch; /* images of a mini-batch */
    double rate; /* Adam's; falls linearly to 0 */
    unsigned shift; /* training images are moved by up to this many pixels each way, afresh in each
                     * pass; what comes in is background (-1) */
} jebm_classifier_config;

/* The settings that the figures use, on the fastest fp32 back end. */
JEBM_API jebm_classifier_config jebm_classifier_usual(size_t nclasses, const uint8_t *classes);

/* What a classifier is and how good. */
typedef struct jebm_classifier_facts {
    jebm_shape shape; /* of its images */
    size_t nclasses;
    uint8_t classes[JEBM_CLASSES_MAX];
    size_t ntrain, ntest; /* images */
    uint64_t confusion[JEBM_CLASSES_MAX][JEBM_CLASSES_MAX]; /* [true][found] on the test images */
    double accuracy; /* its diagonal's share */
    const char *body; /* lives as long as the classifier */
    char fingerprint[JEBM_DIGEST_TEXT]; /* jebm_classifier_fingerprint() of its making */
} jebm_classifier_facts;

JEBM_API const jebm_classifier_facts *jebm_classifier_about(const jebm_classifier *c);

/* SHA-256 of all that decides the outcome of jebm_classifier_train(): settings, seed, and content
 * of both sets. A saved classifier with the same one need not be trained again. */
JEBM_API void jebm_classifier_fingerprint(const jebm_classifier_config *config,
                                          const jebm_images *train, const jebm_images *test,
                                          uint64_t seed, char fingerprint[JEBM_DIGEST_TEXT]);

/* Called after each pass with the mean loss (nats an image) that it saw; false stops the training.
 */
typedef bool (*jebm_classifier_progress)(void *context, size_t epoch, double loss);

/* Train on `train`, then fill in the confusion on `test`; every label of both is one of the
 * classes. progress  NULL: none JEBM_EINVAL for settings, sizes or labels out of range,
 * JEBM_EDIVERGE if the loss is not finite, JEBM_EINTERRUPT if progress said so, JEBM_ENOMEM, and
 * jebm_network_new()'s. *out is NULL then. */
JEBM_API jebm_status jebm_classifier_train(const jebm_classifier_config *config,
                                           const jebm_images *train, const jebm_images *test,
                                           uint64_t seed, jebm_classifier_progress progress,
                                           void *context, jebm_classifier **out, jebm_error *err);
JEBM_API void jebm_classifier_free(jebm_classifier *c); /* takes NULL */

/* The released code's F.dropout, which acts at evaluation, too: each hidden unit of each image is 0
 * or doubled, with probability 1/2 each, by draws at (seed; image, step) that no run shares. */
typedef struct jebm_dropout {
    uint64_t seed, step;
} jebm_dropout;

/* log_p [n][K]: log-probabilities of the classes of images x [n][channels][height][width].
 *   dropout  NULL: off, as it should be
 * JEBM_ENOMEM. */
JEBM_API jebm_status jebm_classifier_classify(const jebm_classifier *c, size_t n, const float *x,
                                              const jebm_dropout *dropout, float *log_p,
                                              jebm_error *err);

/* class_of[n]: the likeliest class of each row of log_p [n][nclasses], the first of equals.
 *   confidence  [n] out  its probability; may be NULL */
JEBM_API void jebm_likeliest(size_t n, size_t nclasses, const float *log_p, uint8_t *class_of,
                             double *confidence);

/* As a checkpoint (io/checkpoint.h), whole or not at all.
 *
 * Errors   of load: jebm_checkpoint_open()'s; JEBM_EMISMATCH or JEBM_EFORMAT with the file, what it
 *          holds and what was expected, if it is no classifier. *out is NULL then. */
JEBM_API jebm_status jebm_classifier_save(const jebm_classifier *c, const char *path,
                                          jebm_error *err);
JEBM_API jebm_status jebm_classifier_load(const char *path, jebm_gemm_backend backend,
                                          jebm_classifier **out, jebm_error *err);

#ifdef __cplusplus
}
#endif

#endif
