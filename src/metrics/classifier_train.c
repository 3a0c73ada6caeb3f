/* Training of a classifier: maximum likelihood by Adam, on images that are shifted a little.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/batch.h"
#include "core/optimizer.h"
#include "metrics/classifier_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A mini-batch is cut into blocks of this many, each with a gradient of its own; their sum is taken
 * in order. */
#define BLOCK ((size_t)16)
#define STREAM UINT64_C(0x636c617373696679) /* "classify": apart from all runs' streams */
#define BACKGROUND (-1.0F)

jebm_classifier_config jebm_classifier_usual(size_t nclasses, const uint8_t *classes) {
    jebm_classifier_config config = {.body = JEBM_CLASSIFIER_BODY,
                                     .nclasses = nclasses,
                                     .backend = jebm_gemm_default(),
                                     .epochs = 6,
                                     .batch = 128,
                                     .rate = 3e-3,
                                     .shift = 2};
    memcpy(config.classes, classes, nclasses < JEBM_CLASSES_MAX ? nclasses : JEBM_CLASSES_MAX);
    return config;
}

static size_t dimension(const jebm_images *images) {
    return images->channels * images->height * images->width;
}

static void digest_images(jebm_digest *digest, const jebm_images *images) {
    char text[128];
    const int used = snprintf(text, sizeof text, "images %zu %zu %zu %zu\n", images->n,
                              images->channels, images->height, images->width);
    jebm_digest_add(digest, text, (size_t)used);
    jebm_digest_add(digest, images->x, images->n * dimension(images) * sizeof *images->x);
    jebm_digest_add(digest, images->label, images->n);
}

void jebm_classifier_fingerprint(const jebm_classifier_config *config, const jebm_images *train,
                                 const jebm_images *test, uint64_t seed,
                                 char fingerprint[JEBM_DIGEST_TEXT]) {
    char text[256];
    jebm_digest digest;
    jebm_digest_init(&digest);
    const int used = snprintf(text, sizeof text,
                              "classifier 1, %s, %zu classes, %zu epochs, batch %zu, rate %.17g, "
                              "shift %u, seed %llu\n",
                              jebm_gemm_name(config->backend), config->nclasses, config->epochs,
                              config->batch, config->rate, config->shift, (unsigned long long)seed);
    jebm_digest_add(&digest, text, (size_t)used);
    jebm_digest_add(&digest, config->classes, sizeof config->classes);
    jebm_digest_add(&digest, config->body, strlen(config->body) + 1);
    digest_images(&digest, train);
    digest_images(&digest, test);
    jebm_digest_text(&digest, fingerprint);
}

/* one block of a mini-batch */
typedef struct block {
    jebm_workspace *workspace;
    float *x; /* [BLOCK][d] */
    double *g; /* [nparams] gradient of the log-likelihood, summed over its images */
    size_t nclasses, count;
    size_t class_of[BLOCK];
    double loss; /* summed over its images */
} block;

typedef struct trainer {
    const jebm_classifier_config *config;
    const jebm_images *images;
    const uint8_t *class_of; /* [images->n] */
    jebm_rng rng;
    jebm_network *net; /* body and head in one piece */
    jebm_weights *weights;
    jebm_optimizer optimizer;
    size_t batch, nblocks, steps; /* images of a mini-batch, its blocks; mini-batches of a pass */
    block *blocks; /* [nblocks] */
    double *direction; /* [nparams] */
} trainer;

static jebm_status check_set(const jebm_classifier_config *config, const jebm_images *images,
                             const char *name, jebm_error *err) {
    if (images->n == 0 || images->n > UINT32_MAX) {
        return jebm_fail(err, JEBM_EINVAL, "classifier: the %s set has %zu images, expected some",
                         name, images->n);
    }
    for (size_t i = 0; i < images->n; i++) {
        if (memchr(config->classes, images->label[i], config->nclasses) == NULL) {
            return jebm_fail(err, JEBM_EINVAL,
                             "classifier: image %zu of the %s set has label %u, which is none of "
                             "its classes: select those first",
                             i, name, images->label[i]);
        }
    }
    return JEBM_OK;
}

static jebm_status check(const jebm_classifier_config *config, const jebm_images *train,
                         const jebm_images *test, jebm_error *err) {
    if (config->epochs == 0 || config->batch == 0 || !(config->rate > 0.0) ||
        !isfinite(config->rate) || config->shift >= train->height ||
        config->shift >= train->width) {
        return jebm_fail(err, JEBM_EINVAL,
                         "classifier: %zu epochs of mini-batches of %zu at rate %g, shifted by %u "
                         "of %zux%zu pixels; expected at least 1, 1, a positive rate, and less "
                         "than the image",
                         config->epochs, config->batch, config->rate, config->shift, train->height,
                         train->width);
    }
    if (train->channels != test->channels || train->height != test->height ||
        train->width != test->width) {
        return jebm_fail(err, JEBM_EINVAL,
                         "classifier: training images are %zux%zux%zu, test images %zux%zux%zu; "
                         "expected the same",
                         train->channels, train->height, train->width, test->channels, test->height,
                         test->width);
    }
    JEBM_TRY(check_set(config, train, "training", err));
    return check_set(config, test, "test", err);
}

/* class_of[n] from labels, all of which are known to be classes; the caller's to free */
static uint8_t *classes_of(const jebm_classifier_config *config, const jebm_images *images) {
    uint8_t *class_of = malloc(images->n);
    for (size_t i = 0; class_of != NULL && i < images->n; i++) {
        const uint8_t *at = memchr(config->classes, images->label[i], config->nclasses);
        class_of[i] = (uint8_t)(at - config->classes);
    }
    return class_of;
}

static void release(trainer *t) {
    for (size_t b = 0; t->blocks != NULL && b < t->nblocks; b++) {
        jebm_workspace_free(t->blocks[b].workspace);
        free(t->blocks[b].x);
        free(t->blocks[b].g);
    }
    free(t->blocks);
    free(t->direction);
    jebm_optimizer_free(&t->optimizer);
    jebm_weights_free(t->weights);
    jebm_network_free(t->net);
}

static jebm_status prepare_blocks(trainer *t, jebm_error *err) {
    const size_t nparams = jebm_network_nparams(t->net);
    t->batch = t->config->batch < t->images->n ? t->config->batch : t->images->n;
    t->nblocks = (t->batch + BLOCK - 1) / BLOCK;
    t->steps = t->images->n / t->batch;
    t->blocks = calloc(t->nblocks, sizeof *t->blocks);
    t->direction = calloc(nparams, sizeof *t->direction);
    bool enough = t->blocks != NULL && t->direction != NULL;
    for (size_t b = 0; enough && b < t->nblocks; b++) {
        t->blocks[b].nclasses = t->config->nclasses;
        t->blocks[b].x = malloc(BLOCK * dimension(t->images) * sizeof *t->blocks[b].x);
        t->blocks[b].g = malloc(nparams * sizeof *t->blocks[b].g);
        enough = t->blocks[b].x != NULL && t->blocks[b].g != NULL &&
                 jebm_workspace_new(t->net, &t->blocks[b].workspace, NULL) == JEBM_OK;
    }
    return enough ? JEBM_OK
                  : jebm_fail(err, JEBM_ENOMEM, "no memory to train on mini-batches of %zu images",
                              t->batch);
}

static jebm_status prepare(trainer *t, const jebm_classifier *c, jebm_error *err) {
    char spec[2 * JEBM_CLASSIFIER_SPEC], head[JEBM_CLASSIFIER_SPEC];
    jebm_classifier_head(c->facts.nclasses, head);
    snprintf(spec, sizeof spec, "%s | %s", c->facts.body, head);
    JEBM_TRY(jebm_network_new(spec, c->facts.shape, t->config->backend, 0, &t->net, err));
    JEBM_TRY(jebm_weights_new(t->net, &t->weights, err));
    JEBM_TRY(prepare_blocks(t, err));
    const jebm_optimizer_config adam = {.kind = JEBM_ADAM,
                                        .schedule = JEBM_SCHEDULE_LINEAR,
                                        .end = 0.0,
                                        .horizon = t->config->epochs * t->steps,
                                        .beta_1 = 0.9,
                                        .beta_2 = 0.999,
                                        .epsilon = 1e-8};
    JEBM_TRY(jebm_optimizer_init(&t->optimizer, &adam, c->nparams, err));
    jebm_optimizer_set_rate(&t->optimizer, 0, c->nparams, t->config->rate);
    jebm_network_init(t->net, t->rng, c->theta);
    return JEBM_OK;
}

/* out: a channel [height][width] moved down and right, background where it came from */
static void move(size_t height, size_t width, const float *in, long down, long right, float *out) {
    for (size_t r = 0; r < height; r++) {
        const long from = (long)r - down;
        for (size_t c = 0; c < width; c++) {
            const long at = (long)c - right;
            const bool inside = from >= 0 && from < (long)height && at >= 0 && at < (long)width;
            out[r * width + c] = inside ? in[(size_t)from * width + (size_t)at] : BACKGROUND;
        }
    }
}

/* image i as it is seen in a pass */
static void show(const trainer *t, uint32_t i, size_t epoch, float *out) {
    const jebm_images *m = t->images;
    const unsigned shift = t->config->shift;
    uint32_t words[4];
    jebm_rng_words(t->rng, i, JEBM_LANE_NOISE, epoch, words);
    const long down = (long)(words[0] % (2 * shift + 1)) - (long)shift;
    const long right = (long)(words[1] % (2 * shift + 1)) - (long)shift;
    const size_t plane = m->height * m->width;
    for (size_t k = 0; k < m->channels; k++) {
        move(m->height, m->width, m->x + (i * m->channels + k) * plane, down, right,
             out + k * plane);
    }
}

/* of the log-likelihood: 1 at the true class's log-probability */
static void likelihood(void *context, size_t image, const float *y, float *dy) {
    block *b = context;
    const size_t class = b->class_of[image];
    memset(dy, 0, b->nclasses * sizeof *dy);
    b->loss -= (double)y[class];
    dy[class] = 1.0F;
}

/* the part of mini-batch `step` of a pass that block b has */
static void differentiate(const trainer *t, const jebm_shuffle *order, size_t epoch, size_t step,
                          size_t b) {
    block *part = &t->blocks[b];
    part->loss = 0.0;
    part->count = t->batch - b * BLOCK < BLOCK ? t->batch - b * BLOCK : BLOCK;
    for (size_t i = 0; i < part->count; i++) {
        const uint32_t image = jebm_shuffle_at(order, (uint32_t)(step * t->batch + b * BLOCK + i));
        show(t, image, epoch, part->x + i * dimension(t->images));
        part->class_of[i] = t->class_of[image];
    }
    memset(part->g, 0, jebm_network_nparams(t->net) * sizeof *part->g);
    jebm_network_backward(t->net, t->weights, part->count, part->x, likelihood, part, part->g,
                          part->workspace);
}

/* one mini-batch; returns its loss, summed over its images */
static double learn(trainer *t, const jebm_shuffle *order, size_t epoch, size_t step,
                    double *theta) {
    jebm_weights_set(t->net, t->weights, theta);
#pragma omp parallel for default(none) shared(t, order, epoch, step) schedule(static)
    for (size_t b = 0; b < t->nblocks; b++) {
        differentiate(t, order, epoch, step, b);
    }
    double loss = 0.0;
    memset(t->direction, 0, t->optimizer.nparams * sizeof *t->direction);
    for (size_t b = 0; b < t->nblocks; b++) {
        loss += t->blocks[b].loss;
        for (size_t i = 0; i < t->optimizer.nparams; i++) {
            t->direction[i] += t->blocks[b].g[i] / (double)t->batch;
        }
    }
    jebm_optimizer_step(&t->optimizer, epoch * t->steps + step, t->direction, theta);
    return loss;
}

static jebm_status run(trainer *t, jebm_classifier *c, jebm_classifier_progress progress,
                       void *context, jebm_error *err) {
    JEBM_TRY(prepare(t, c, err));
    for (size_t epoch = 0; epoch < t->config->epochs; epoch++) {
        const jebm_shuffle order = jebm_shuffle_make(t->rng, epoch, (uint32_t)t->images->n);
        double loss = 0.0;
        for (size_t step = 0; step < t->steps; step++) {
            loss += learn(t, &order, epoch, step, c->theta);
        }
        if (!isfinite(loss)) {
            return jebm_fail(err, JEBM_EDIVERGE,
                             "classifier: the loss of pass %zu is %g at rate %g: lower it",
                             epoch + 1, loss, t->config->rate);
        }
        if (progress != NULL && !progress(context, epoch, loss / (double)(t->steps * t->batch))) {
            return jebm_fail(err, JEBM_EINTERRUPT, "classifier: stopped after pass %zu of %zu",
                             epoch + 1, t->config->epochs);
        }
    }
    return JEBM_OK;
}

/* train c, then test it */
static jebm_status make(jebm_classifier *c, const jebm_classifier_config *config,
                        const jebm_images *train, const jebm_images *test, uint64_t seed,
                        jebm_classifier_progress progress, void *context, jebm_error *err) {
    uint8_t *class_of = classes_of(config, train), *truth = classes_of(config, test);
    jebm_status status = JEBM_OK;
    if (class_of != NULL && truth != NULL) {
        trainer t = {.config = config,
                     .images = train,
                     .class_of = class_of,
                     .rng = jebm_rng_make(seed, STREAM)};
        status = run(&t, c, progress, context, err);
        release(&t);
    } else {
        status = jebm_fail(err, JEBM_ENOMEM, "no memory for the classes of %zu images", train->n);
    }
    if (status == JEBM_OK) {
        jebm_classifier_refresh(c);
        c->facts.ntrain = train->n;
        jebm_classifier_fingerprint(config, train, test, seed, c->facts.fingerprint);
        status = jebm_classifier_test(c, test->n, test->x, truth, err);
    }
    free(class_of);
    free(truth);
    return status;
}

jebm_status jebm_classifier_train(const jebm_classifier_config *config, const jebm_images *train,
                                  const jebm_images *test, uint64_t seed,
                                  jebm_classifier_progress progress, void *context,
                                  jebm_classifier **out, jebm_error *err) {
    jebm_classifier *c = NULL;
    *out = NULL;
    const jebm_shape shape = {train->channels, train->height, train->width};
    JEBM_TRY(jebm_classifier_new(config->body, shape, config->nclasses, config->classes,
                                 config->backend, &c, err));
    jebm_status status = check(config, train, test, err);
    if (status == JEBM_OK) {
        status = make(c, config, train, test, seed, progress, context, err);
    }
    if (status != JEBM_OK) {
        jebm_classifier_free(c);
        return status;
    }
    *out = c;
    return JEBM_OK;
}
