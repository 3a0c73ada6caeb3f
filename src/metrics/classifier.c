/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/classifier.h"

#include "core/rng.h"
#include "metrics/classifier_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)64) /* images that a thread takes at a time */
#define DROPOUT_STREAM UINT64_C(0x64726f706f757400) /* "dropout": apart from all runs' streams */

static jebm_status check(const char *body, size_t nclasses, const uint8_t *classes,
                         jebm_error *err) {
    if (nclasses < 2 || nclasses > JEBM_CLASSES_MAX) {
        return jebm_fail(err, JEBM_EINVAL, "classifier: %zu classes, expected 2 to %d", nclasses,
                         JEBM_CLASSES_MAX);
    }
    for (size_t j = 0; j < nclasses; j++) {
        if (memchr(classes, classes[j], j) != NULL) {
            return jebm_fail(err, JEBM_EINVAL, "classifier: class %u is listed twice", classes[j]);
        }
    }
    if (strlen(body) + 64 > JEBM_CLASSIFIER_SPEC) {
        return jebm_fail(err, JEBM_EINVAL,
                         "classifier: its network has %zu characters, expected %d at most",
                         strlen(body), JEBM_CLASSIFIER_SPEC - 64);
    }
    return JEBM_OK;
}

void jebm_classifier_head(size_t nclasses, char spec[JEBM_CLASSIFIER_SPEC]) {
    snprintf(spec, JEBM_CLASSIFIER_SPEC, "linear %zu | logsoftmax", nclasses);
}

static jebm_status build(jebm_classifier *c, const char *body, jebm_gemm_backend backend,
                         jebm_error *err) {
    char head[JEBM_CLASSIFIER_SPEC];
    jebm_classifier_head(c->facts.nclasses, head);
    JEBM_TRY(jebm_network_new(body, c->facts.shape, backend, 0, &c->body, err));
    const jebm_shape hidden = {jebm_network_outputs(c->body), 1, 1};
    JEBM_TRY(jebm_network_new(head, hidden, backend, 0, &c->head, err));
    JEBM_TRY(jebm_weights_new(c->body, &c->body_weights, err));
    JEBM_TRY(jebm_weights_new(c->head, &c->head_weights, err));
    c->nparams = jebm_network_nparams(c->body) + jebm_network_nparams(c->head);
    c->body_spec = malloc(strlen(body) + 1);
    c->theta = calloc(c->nparams, sizeof *c->theta);
    if (c->body_spec == NULL || c->theta == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a classifier of %zu parameters",
                         c->nparams);
    }
    c->facts.body = strcpy(c->body_spec, body);
    jebm_classifier_refresh(c);
    return JEBM_OK;
}

jebm_status jebm_classifier_new(const char *body, jebm_shape shape, size_t nclasses,
                                const uint8_t *classes, jebm_gemm_backend backend,
                                jebm_classifier **out, jebm_error *err) {
    *out = NULL;
    JEBM_TRY(check(body, nclasses, classes, err));
    jebm_classifier *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a classifier");
    }
    c->facts.shape = shape;
    c->facts.nclasses = nclasses;
    memcpy(c->facts.classes, classes, nclasses);
    const jebm_status status = build(c, body, backend, err);
    if (status != JEBM_OK) {
        jebm_classifier_free(c);
        return status;
    }
    *out = c;
    return JEBM_OK;
}

void jebm_classifier_free(jebm_classifier *c) {
    if (c != NULL) {
        jebm_weights_free(c->body_weights);
        jebm_weights_free(c->head_weights);
        jebm_network_free(c->body);
        jebm_network_free(c->head);
        free(c->body_spec);
        free(c->theta);
        free(c);
    }
}

const jebm_classifier_facts *jebm_classifier_about(const jebm_classifier *c) {
    return &c->facts;
}

void jebm_classifier_refresh(jebm_classifier *c) {
    jebm_weights_set(c->body, c->body_weights, c->theta);
    jebm_weights_set(c->head, c->head_weights, c->theta + jebm_network_nparams(c->body));
}

/* one thread's scratch */
typedef struct scratch {
    jebm_workspace *body, *head;
    float *hidden; /* [BLOCK][hidden units] */
} scratch;

static void scratch_free(scratch *s) {
    jebm_workspace_free(s->body);
    jebm_workspace_free(s->head);
    free(s->hidden);
}

/* false, and nothing to free, if there is no memory */
static bool scratch_new(const jebm_classifier *c, scratch *s) {
    *s = (scratch){0};
    s->hidden = malloc(BLOCK * jebm_network_outputs(c->body) * sizeof *s->hidden);
    if (s->hidden != NULL && jebm_workspace_new(c->body, &s->body, NULL) == JEBM_OK &&
        jebm_workspace_new(c->head, &s->head, NULL) == JEBM_OK) {
        return true;
    }
    scratch_free(s);
    return false;
}

/* hidden [count][units]: one bit of the generator's 128-bit blocks a unit */
static void drop(const jebm_dropout *dropout, size_t first, size_t count, size_t units,
                 float *hidden) {
    const jebm_rng rng = jebm_rng_make(dropout->seed, DROPOUT_STREAM);
    const size_t blocks = (units + 127) / 128;
    uint32_t words[4] = {0};
    for (size_t i = 0; i < count; i++) {
        for (size_t u = 0; u < units; u++) {
            if (u % 128 == 0) {
                jebm_rng_words(rng, (uint32_t)((first + i) * blocks + u / 128), JEBM_LANE_NOISE,
                               dropout->step, words);
            }
            const uint32_t kept = words[u / 32 % 4] >> u % 32 & 1u;
            hidden[i * units + u] *= 2.0F * (float)kept;
        }
    }
}

static void classify_block(const jebm_classifier *c, size_t first, size_t count, const float *x,
                           const jebm_dropout *dropout, float *log_p, scratch *s) {
    jebm_network_forward(c->body, c->body_weights, count, x + first * jebm_network_inputs(c->body),
                         s->hidden, s->body);
    if (dropout != NULL) {
        drop(dropout, first, count, jebm_network_outputs(c->body), s->hidden);
    }
    jebm_network_forward(c->head, c->head_weights, count, s->hidden,
                         log_p + first * c->facts.nclasses, s->head);
}

jebm_status jebm_classifier_classify(const jebm_classifier *c, size_t n, const float *x,
                                     const jebm_dropout *dropout, float *log_p, jebm_error *err) {
    bool short_of_memory = false;
#pragma omp parallel default(none) shared(c, n, x, dropout, log_p, short_of_memory)
    {
        scratch s;
        const bool ready = scratch_new(c, &s);
        if (!ready) {
#pragma omp atomic write
            short_of_memory = true;
        }
#pragma omp for schedule(static)
        for (size_t first = 0; first < n; first += BLOCK) {
            if (ready) {
                classify_block(c, first, n - first < BLOCK ? n - first : BLOCK, x, dropout, log_p,
                               &s);
            }
        }
        if (ready) {
            scratch_free(&s);
        }
    }
    return short_of_memory ? jebm_fail(err, JEBM_ENOMEM, "no memory to classify %zu images", n)
                           : JEBM_OK;
}

void jebm_likeliest(size_t n, size_t nclasses, const float *log_p, uint8_t *class_of,
                    double *confidence) {
    for (size_t i = 0; i < n; i++) {
        const float *row = log_p + i * nclasses;
        size_t best = 0;
        for (size_t j = 1; j < nclasses; j++) {
            best = row[j] > row[best] ? j : best;
        }
        class_of[i] = (uint8_t)best;
        if (confidence != NULL) {
            confidence[i] = exp((double)row[best]);
        }
    }
}

void jebm_classifier_count(jebm_classifier_facts *facts) {
    uint64_t all = 0, right = 0;
    for (size_t i = 0; i < facts->nclasses; i++) {
        right += facts->confusion[i][i];
        for (size_t j = 0; j < facts->nclasses; j++) {
            all += facts->confusion[i][j];
        }
    }
    facts->ntest = (size_t)all;
    facts->accuracy = (double)right / (double)all;
}

jebm_status jebm_classifier_test(jebm_classifier *c, size_t n, const float *x, const uint8_t *truth,
                                 jebm_error *err) {
    jebm_classifier_facts *facts = &c->facts;
    float *log_p = malloc(n * facts->nclasses * sizeof *log_p);
    uint8_t *found = malloc(n);
    jebm_status status = JEBM_OK;
    if (log_p != NULL && found != NULL) {
        status = jebm_classifier_classify(c, n, x, NULL, log_p, err);
    } else {
        status = jebm_fail(err, JEBM_ENOMEM, "no memory to test a classifier on %zu images", n);
    }
    if (status == JEBM_OK) {
        jebm_likeliest(n, facts->nclasses, log_p, found, NULL);
        memset(facts->confusion, 0, sizeof facts->confusion);
        for (size_t i = 0; i < n; i++) {
            facts->confusion[truth[i]][found[i]]++;
        }
        jebm_classifier_count(facts);
    }
    free(log_p);
    free(found);
    return status;
}
