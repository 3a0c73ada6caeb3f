/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static jebm_status check(const jebm_optimizer_config *c, jebm_error *err) {
    if (c->schedule == JEBM_SCHEDULE_LINEAR &&
        !(c->end >= 0.0 && c->end <= 1.0 && c->horizon > 0)) {
        return jebm_fail(
            err, JEBM_EINVAL,
            "linear schedule: final factor %g over %llu iterations, expected [0, 1] and "
            "at least 1",
            c->end, (unsigned long long)c->horizon);
    }
    if (!(c->max_norm >= 0.0)) {
        return jebm_fail(err, JEBM_EINVAL, "max_norm is %g, expected at least 0", c->max_norm);
    }
    if (c->kind == JEBM_ADAM && !(c->beta_1 >= 0.0 && c->beta_1 < 1.0 && c->beta_2 >= 0.0 &&
                                  c->beta_2 < 1.0 && c->epsilon > 0.0)) {
        return jebm_fail(err, JEBM_EINVAL,
                         "Adam: beta_1 %g, beta_2 %g, epsilon %g, expected [0, 1), [0, 1) and > 0",
                         c->beta_1, c->beta_2, c->epsilon);
    }
    if (c->kind == JEBM_PRESCRIBED && c->path == NULL) {
        return jebm_fail(err, JEBM_EINVAL, "a prescribed theta needs its path, found none");
    }
    return JEBM_OK;
}

jebm_status jebm_optimizer_init(jebm_optimizer *o, const jebm_optimizer_config *config,
                                size_t nparams, jebm_error *err) {
    memset(o, 0, sizeof *o);
    JEBM_TRY(check(config, err));
    o->config = *config;
    o->nparams = nparams;
    o->rate = calloc(nparams, sizeof *o->rate);
    if (config->kind == JEBM_ADAM) {
        o->moment_1 = calloc(nparams, sizeof *o->moment_1);
        o->moment_2 = calloc(nparams, sizeof *o->moment_2);
    }
    if (o->rate == NULL ||
        (config->kind == JEBM_ADAM && (o->moment_1 == NULL || o->moment_2 == NULL))) {
        jebm_optimizer_free(o);
        return jebm_fail(err, JEBM_ENOMEM, "no memory for the optimizer of %zu parameters",
                         nparams);
    }
    return JEBM_OK;
}

void jebm_optimizer_free(jebm_optimizer *o) {
    if (o != NULL) {
        free(o->rate);
        free(o->moment_1);
        free(o->moment_2);
        memset(o, 0, sizeof *o);
    }
}

void jebm_optimizer_set_rate(jebm_optimizer *o, size_t first, size_t count, double rate) {
    for (size_t i = first; i < first + count; i++) {
        o->rate[i] = rate;
    }
}

double jebm_schedule_factor(const jebm_optimizer_config *config, uint64_t k) {
    if (config->schedule == JEBM_SCHEDULE_CONSTANT) {
        return 1.0;
    }
    const double t = k < config->horizon ? (double)k / (double)config->horizon : 1.0;
    return 1.0 + (config->end - 1.0) * t;
}

/* factor that shortens a direction to max_norm */
static double shortened(const jebm_optimizer *o, const double *direction) {
    double square = 0.0;
    for (size_t i = 0; i < o->nparams && o->config.max_norm > 0.0; i++) {
        square += direction[i] * direction[i];
    }
    return square > o->config.max_norm * o->config.max_norm ? o->config.max_norm / sqrt(square)
                                                            : 1.0;
}

/* length: factor on the direction; factor: on the rates */
static void adam(jebm_optimizer *o, uint64_t k, double length, double factor,
                 const double *direction, double *theta) {
    const jebm_optimizer_config *c = &o->config;
    const double age = (double)k + 1.0;
    const double unbias_1 = 1.0 / (1.0 - pow(c->beta_1, age));
    const double unbias_2 = 1.0 / (1.0 - pow(c->beta_2, age));
    for (size_t i = 0; i < o->nparams; i++) {
        const double g = length * direction[i];
        o->moment_1[i] = c->beta_1 * o->moment_1[i] + (1.0 - c->beta_1) * g;
        o->moment_2[i] = c->beta_2 * o->moment_2[i] + (1.0 - c->beta_2) * g * g;
        theta[i] += factor * o->rate[i] * o->moment_1[i] * unbias_1 /
                    (sqrt(o->moment_2[i] * unbias_2) + c->epsilon);
    }
}

void jebm_optimizer_step(jebm_optimizer *o, uint64_t k, const double *direction, double *theta) {
    if (o->config.kind == JEBM_PRESCRIBED) {
        o->config.path(o->config.context, k + 1, theta);
        return;
    }
    const double factor = jebm_schedule_factor(&o->config, k);
    const double length = shortened(o, direction);
    if (o->config.kind == JEBM_ADAM) {
        adam(o, k, length, factor, direction, theta);
        return;
    }
    for (size_t i = 0; i < o->nparams; i++) {
        theta[i] += length * factor * o->rate[i] * direction[i];
    }
}
