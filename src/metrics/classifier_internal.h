/* A classifier's parts, and what training and loading share.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_CLASSIFIER_INTERNAL_H
#define JEBM_CLASSIFIER_INTERNAL_H

#include "metrics/classifier.h"

/* The network in two parts, so that dropout can act between them. */
struct jebm_classifier {
    jebm_classifier_facts facts;
    char *body_spec; /* facts.body */
    jebm_network *body, *head;
    jebm_weights *body_weights, *head_weights;
    size_t nparams; /* of both */
    double *theta; /* [nparams] body's, then head's: in the order of the network in one piece */
};

/* A classifier with theta = 0; errors as of jebm_classifier_train(). */
jebm_status jebm_classifier_new(const char *body, jebm_shape shape, size_t nclasses,
                                const uint8_t *classes, jebm_gemm_backend backend,
                                jebm_classifier **out, jebm_error *err);

/* After a change of theta. */
void jebm_classifier_refresh(jebm_classifier *c);

/* confusion and accuracy on n images of classes truth[n] */
jebm_status jebm_classifier_test(jebm_classifier *c, size_t n, const float *x, const uint8_t *truth,
                                 jebm_error *err);

/* facts.ntest and facts.accuracy from facts.confusion */
void jebm_classifier_count(jebm_classifier_facts *facts);

#define JEBM_CLASSIFIER_SPEC 1024 /* bytes of a network's text, at most */

/* "linear K | logsoftmax" */
void jebm_classifier_head(size_t nclasses, char spec[JEBM_CLASSIFIER_SPEC]);

#endif
