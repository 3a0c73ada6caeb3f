/* Classifiers as files.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/checkpoint.h"
#include "metrics/classifier_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUP "classifier"
#define COUNT_MAX (UINT64_C(1) << 40) /* of images in a confusion: no sum of counts overflows */
#define EXTENT_MAX ((uint64_t)1 << 12) /* of an image */

/* the small arrays of a file */
typedef struct record {
    uint64_t shape[3];
    uint32_t classes[JEBM_CLASSES_MAX];
    uint64_t ntrain;
    uint64_t confusion[JEBM_CLASSES_MAX * JEBM_CLASSES_MAX]; /* [K][K] */
} record;

enum { SHAPE, CLASSES, NTRAIN, CONFUSION, SMALL };

static void describe(record *r, size_t nclasses, jebm_array arrays[SMALL]) {
    arrays[SHAPE] =
        (jebm_array){.name = "shape", .type = JEBM_U64, .rank = 1, .shape = {3}, .data = r->shape};
    arrays[CLASSES] = (jebm_array){
        .name = "classes", .type = JEBM_U32, .rank = 1, .shape = {nclasses}, .data = r->classes};
    arrays[NTRAIN] = (jebm_array){.name = "ntrain", .type = JEBM_U64, .data = &r->ntrain};
    arrays[CONFUSION] = (jebm_array){.name = "confusion",
                                     .type = JEBM_U64,
                                     .rank = 2,
                                     .shape = {nclasses, nclasses},
                                     .data = r->confusion};
}

static jebm_array theta_of(const jebm_classifier *c) {
    return (jebm_array){
        .name = "theta", .type = JEBM_F64, .rank = 1, .shape = {c->nparams}, .data = c->theta};
}

static jebm_status put(const jebm_classifier *c, jebm_checkpoint *file, jebm_error *err) {
    const jebm_classifier_facts *f = &c->facts;
    record r = {.shape = {f->shape.channels, f->shape.height, f->shape.width}, .ntrain = f->ntrain};
    for (size_t i = 0; i < f->nclasses; i++) {
        r.classes[i] = f->classes[i];
        memcpy(r.confusion + i * f->nclasses, f->confusion[i], f->nclasses * sizeof *r.confusion);
    }
    jebm_array arrays[SMALL];
    describe(&r, f->nclasses, arrays);
    for (size_t i = 0; i < SMALL; i++) {
        JEBM_TRY(jebm_checkpoint_put(file, GROUP, &arrays[i], err));
    }
    const jebm_array theta = theta_of(c);
    JEBM_TRY(jebm_checkpoint_put(file, GROUP, &theta, err));
    JEBM_TRY(jebm_checkpoint_put_text(file, "body", f->body, err));
    return jebm_checkpoint_put_text(file, "fingerprint", f->fingerprint, err);
}

jebm_status jebm_classifier_save(const jebm_classifier *c, const char *path, jebm_error *err) {
    jebm_checkpoint *file = NULL;
    JEBM_TRY(jebm_checkpoint_create(path, &file, err));
    const jebm_status status = put(c, file, err);
    if (status != JEBM_OK) {
        jebm_checkpoint_close(file);
        return status;
    }
    return jebm_checkpoint_commit(file, err);
}

/* what is read before the network can be made */
static jebm_status get_record(jebm_checkpoint *file, const char *path, record *r, size_t *nclasses,
                              jebm_error *err) {
    jebm_array found = {.name = "classes"}, arrays[SMALL];
    JEBM_TRY(jebm_checkpoint_shape(file, GROUP, &found, err));
    *nclasses = found.rank == 1 ? found.shape[0] : 0;
    if (*nclasses < 2 || *nclasses > JEBM_CLASSES_MAX) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: a classifier of %zu classes, expected 2 to %d; remove it to train "
                         "anew",
                         path, *nclasses, JEBM_CLASSES_MAX);
    }
    describe(r, *nclasses, arrays);
    for (size_t i = 0; i < SMALL; i++) {
        JEBM_TRY(jebm_checkpoint_get(file, GROUP, &arrays[i], err));
    }
    for (size_t i = 0; i < 3; i++) {
        if (r->shape[i] == 0 || r->shape[i] > EXTENT_MAX) {
            return jebm_fail(err, JEBM_EFORMAT,
                             "%s: a classifier of images of %llux%llux%llu, expected 1 to %llu "
                             "each; remove it to train anew",
                             path, (unsigned long long)r->shape[0], (unsigned long long)r->shape[1],
                             (unsigned long long)r->shape[2], (unsigned long long)EXTENT_MAX);
        }
    }
    return JEBM_OK;
}

/* classes and counts of r, as facts */
static jebm_status convert(const record *r, size_t nclasses, const char *path,
                           jebm_classifier_facts *f, jebm_error *err) {
    for (size_t i = 0; i < nclasses; i++) {
        if (r->classes[i] > UINT8_MAX) {
            return jebm_fail(err, JEBM_EFORMAT,
                             "%s: class %zu of the classifier is label %u, expected 0 to 255; "
                             "remove it to train anew",
                             path, i, r->classes[i]);
        }
        f->classes[i] = (uint8_t)r->classes[i];
        for (size_t j = 0; j < nclasses; j++) {
            f->confusion[i][j] = r->confusion[i * nclasses + j];
            if (f->confusion[i][j] > COUNT_MAX) {
                return jebm_fail(err, JEBM_EFORMAT,
                                 "%s: the confusion of classes %zu and %zu is %llu; remove it to "
                                 "train anew",
                                 path, i, j, (unsigned long long)f->confusion[i][j]);
            }
        }
    }
    f->nclasses = nclasses;
    f->ntrain = (size_t)r->ntrain;
    jebm_classifier_count(f);
    return f->ntest > 0 ? JEBM_OK
                        : jebm_fail(err, JEBM_EFORMAT,
                                    "%s: the classifier was tested on no image; remove it to train "
                                    "anew",
                                    path);
}

static jebm_status get_fingerprint(jebm_checkpoint *file, const char *path,
                                   jebm_classifier_facts *f, jebm_error *err) {
    char *text = NULL;
    JEBM_TRY(jebm_checkpoint_get_text(file, "fingerprint", &text, err));
    const bool whole = strspn(text, "0123456789abcdef") == JEBM_DIGEST_TEXT - 1 &&
                       text[JEBM_DIGEST_TEXT - 1] == '\0';
    if (whole) {
        memcpy(f->fingerprint, text, JEBM_DIGEST_TEXT);
    }
    free(text);
    return whole ? JEBM_OK
                 : jebm_fail(err, JEBM_EFORMAT,
                             "%s: the classifier's fingerprint is no SHA-256; remove it to train "
                             "anew",
                             path);
}

static jebm_status make_network(jebm_checkpoint *file, const char *path, const record *r,
                                const jebm_classifier_facts *f, jebm_gemm_backend backend,
                                jebm_classifier **c, jebm_error *err) {
    char *body = NULL;
    JEBM_TRY(jebm_checkpoint_get_text(file, "body", &body, err));
    const jebm_shape shape = {(size_t)r->shape[0], (size_t)r->shape[1], (size_t)r->shape[2]};
    jebm_error inner = {0};
    const jebm_status status =
        jebm_classifier_new(body, shape, f->nclasses, f->classes, backend, c, &inner);
    free(body);
    return status == JEBM_OK ? JEBM_OK
                             : jebm_fail(err, status == JEBM_EINVAL ? JEBM_EFORMAT : status,
                                         "%s: %s", path, inner.text);
}

static jebm_status get_theta(jebm_checkpoint *file, const char *path, jebm_classifier *c,
                             jebm_error *err) {
    const jebm_array theta = theta_of(c);
    JEBM_TRY(jebm_checkpoint_get(file, GROUP, &theta, err));
    for (size_t i = 0; i < c->nparams; i++) {
        if (!isfinite(c->theta[i])) {
            return jebm_fail(err, JEBM_EFORMAT,
                             "%s: parameter %zu of the classifier is %g; remove it to train anew",
                             path, i, c->theta[i]);
        }
    }
    jebm_classifier_refresh(c);
    return JEBM_OK;
}

static jebm_status get(jebm_checkpoint *file, const char *path, jebm_gemm_backend backend,
                       jebm_classifier **c, jebm_error *err) {
    record r = {0};
    jebm_classifier_facts f = {0};
    size_t nclasses = 0;
    JEBM_TRY(get_record(file, path, &r, &nclasses, err));
    JEBM_TRY(convert(&r, nclasses, path, &f, err));
    JEBM_TRY(get_fingerprint(file, path, &f, err));
    JEBM_TRY(make_network(file, path, &r, &f, backend, c, err));
    f.shape = (*c)->facts.shape;
    f.body = (*c)->facts.body;
    (*c)->facts = f;
    return get_theta(file, path, *c, err);
}

jebm_status jebm_classifier_load(const char *path, jebm_gemm_backend backend, jebm_classifier **out,
                                 jebm_error *err) {
    jebm_checkpoint *file = NULL;
    *out = NULL;
    JEBM_TRY(jebm_checkpoint_open(path, &file, err));
    jebm_classifier *c = NULL;
    const jebm_status status = get(file, path, backend, &c, err);
    jebm_checkpoint_close(file);
    if (status != JEBM_OK) {
        jebm_classifier_free(c);
        return status;
    }
    *out = c;
    return JEBM_OK;
}
