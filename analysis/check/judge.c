/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "judge.h"

#include "app/preset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct jebm_loaded {
    const jebm_found *found; /* of the tree */
    jebm_figure_data data;
} jebm_loaded;

jebm_status jebm_results_open(jebm_results *r, const char *directory, const char *scale,
                              jebm_error *err) {
    *r = (jebm_results){.directory = directory, .scale = scale};
    return jebm_tree_walk(directory, &r->tree, err);
}

void jebm_results_free(jebm_results *results) {
    if (results == NULL) {
        return;
    }
    for (size_t i = 0; i < results->nloaded; i++) {
        jebm_figure_data_free(&results->loaded[i].data);
    }
    free(results->loaded);
    results->loaded = NULL;
    results->nloaded = 0;
    jebm_tree_free(&results->tree);
}

/* the figure's data at a scale, read at the first call; *data is NULL where there are none */
static jebm_status load(jebm_results *r, const char *scale, const jebm_claim *c,
                        const jebm_figure_data **data, jebm_error *err) {
    const jebm_found *found = jebm_tree_find(&r->tree, scale, c->fidelity, c->figure);
    *data = NULL;
    if (found == NULL) {
        return JEBM_OK;
    }
    size_t i = 0;
    while (i < r->nloaded && r->loaded[i].found != found) {
        i++;
    }
    if (i == r->nloaded) {
        jebm_loaded *list = realloc(r->loaded, (i + 1) * sizeof *list);
        if (list == NULL) {
            return jebm_fail(err, JEBM_ENOMEM, "no memory for another figure");
        }
        r->loaded = list;
        list[i].found = found;
        JEBM_TRY(jebm_figure_data_load(r->directory, found->path, &list[i].data, err));
        r->nloaded++;
    }
    *data = &r->loaded[i].data;
    return JEBM_OK;
}

/* what choose_data() looks for, as the end of "no data for ..." */
static void say_wanted(const jebm_claim *c, const jebm_results *r, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "%s at fidelity %s", c->figure, c->fidelity);
    const char *link = " and scale ";
    bool all = true;
    for (size_t i = 0; i < JEBM_NSCALES; i++) {
        all &= c->scales[i];
    }
    for (size_t i = JEBM_NSCALES; i-- > 0 && used < size;) {
        if (r->scale != NULL ? strcmp(r->scale, jebm_scales[i]) == 0 : !all && c->scales[i]) {
            used += (size_t)snprintf(text + used, size - used, "%s%s", link, jebm_scales[i]);
            link = " or ";
        }
    }
}

/* the data to judge by: at the scale asked for, or the largest with complete data; else NULL and
 * the judgement's reason */
static jebm_status choose_data(const jebm_claim *c, jebm_results *r, jebm_judgement *j,
                               const jebm_figure_data **chosen, jebm_error *err) {
    char wanted[128];
    say_wanted(c, r, wanted, sizeof wanted);
    snprintf(j->reason, sizeof j->reason, "no data for %s", wanted);
    *chosen = NULL;
    bool incomplete = false;
    for (size_t i = JEBM_NSCALES; i-- > 0;) {
        if (r->scale != NULL && strcmp(r->scale, jebm_scales[i]) != 0) {
            continue;
        }
        const jebm_figure_data *data = NULL;
        JEBM_TRY(load(r, jebm_scales[i], c, &data, err));
        if (data != NULL && !c->scales[i]) {
            if (r->scale != NULL) {
                snprintf(j->reason, sizeof j->reason, "this claim is not judged at scale %s",
                         r->scale);
            }
            continue;
        }
        if (data != NULL && data->complete) {
            *chosen = data;
            snprintf(j->scale, sizeof j->scale, "%s", jebm_scales[i]);
            j->reason[0] = '\0';
            return JEBM_OK;
        }
        if (data != NULL && !incomplete) {
            incomplete = true;
            snprintf(j->reason, sizeof j->reason, "%.150s is incomplete: %s", data->name,
                     data->incomplete);
        }
    }
    return JEBM_OK;
}

static jebm_status not_finite(const char *what, double value, const jebm_expr_env *env,
                              jebm_error *err) {
    return jebm_fail(err, JEBM_EMISMATCH, "the %s is %g in run %zu of %s", what, value, env->run,
                     env->data->name);
}

/* the smallest interval that holds those of all runs that count */
static jebm_status measure_within(const jebm_claim *c, jebm_expr_env *env, jebm_judgement *j,
                                  jebm_error *err) {
    j->interval.low = INFINITY;
    j->interval.high = -INFINITY;
    for (size_t i = 0; i < j->interval.n; i++) {
        double low, high;
        env->run = j->runs[i];
        JEBM_TRY(jebm_expr_eval(c->low, env, &low, err));
        JEBM_TRY(jebm_expr_eval(c->high, env, &high, err));
        if (!isfinite(low) || !isfinite(high)) {
            return not_finite("interval's end", isfinite(low) ? high : low, env, err);
        }
        j->interval.low = fmin(j->interval.low, low);
        j->interval.high = fmax(j->interval.high, high);
    }
    return JEBM_OK;
}

/* one number for each run that did not diverge */
static jebm_status measure(const jebm_claim *c, jebm_expr_env *env, jebm_judgement *j,
                           jebm_error *err) {
    size_t n = 0;
    for (size_t run = 0; run < env->data->runs; run++) {
        double value;
        env->run = run;
        env->diverged = false;
        const jebm_status status = jebm_expr_eval(c->value, env, &value, err);
        // a run that ended early also lacks the steps after its end
        if (env->diverged && (status == JEBM_OK || status == JEBM_EMISMATCH)) {
            j->diverged++;
            continue;
        }
        JEBM_TRY(status);
        if (!isfinite(value)) {
            return not_finite("quantity", value, env, err);
        }
        j->values[n] = value;
        j->runs[n++] = run;
    }
    j->interval = jebm_interval_over_runs(j->values, n);
    return c->low != NULL && n > 0 ? measure_within(c, env, j, err) : JEBM_OK;
}

static void conclude(const jebm_claim *c, const jebm_figure_data *data, jebm_judgement *j) {
    j->direction = jebm_interval_against(&j->interval, &j->region);
    if (j->diverged > 0) {
        // the surviving runs are a selection: they cannot show that the claim holds
        const size_t all = j->diverged + j->interval.n;
        snprintf(j->reason, sizeof j->reason, "%zu of %zu runs diverged and %s", j->diverged, all,
                 j->interval.n > 0 ? "are left out" : "none is left");
        const bool none = j->interval.n == 0;
        if (none || j->direction == JEBM_DIRECTION_HOLDS) {
            j->direction = none ? JEBM_DIRECTION_FAILS : JEBM_DIRECTION_UNCLEAR;
        }
    }
    const bool published = strcmp(j->scale, JEBM_SCALE_PUBLISHED) == 0 && data->override == NULL;
    if (data->override != NULL && j->reason[0] == '\0') {
        snprintf(j->reason, sizeof j->reason, "run with --set %.80s: not the preset's settings",
                 data->override);
    }
    j->verdict = jebm_verdict_of(c->kind, j->direction, published);
    if (published) {
        j->direction = JEBM_DIRECTION_NONE;
    }
}

static jebm_status judge_data(const jebm_claim *c, const jebm_figure_data *data, jebm_judgement *j,
                              jebm_error *err) {
    snprintf(j->data, sizeof j->data, "%s/trajectory.csv", data->name);
    memcpy(j->sha256, data->sha256, sizeof j->sha256);
    j->values = calloc(data->runs, sizeof *j->values);
    j->runs = calloc(data->runs, sizeof *j->runs);
    if (j->values == NULL || j->runs == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for %zu runs", data->runs);
    }
    jebm_expr_env env = {.data = data,
                         .method = c->method,
                         .variant = c->variant,
                         .across = c->across,
                         .nacross = c->nacross};
    JEBM_TRY(jebm_predicate_eval(&c->region, &env, &j->region, err));
    j->has_region = true;
    JEBM_TRY(measure(c, &env, j, err));
    conclude(c, data, j);
    return JEBM_OK;
}

jebm_status jebm_judge(const jebm_claim *claim, jebm_results *results, jebm_judgement *judgement,
                       jebm_error *err) {
    jebm_judgement *j = judgement;
    *j = (jebm_judgement){.claim = claim, .verdict = JEBM_VERDICT_NOT_RUN};
    j->interval = jebm_interval_over_runs(NULL, 0);
    const jebm_figure_data *data;
    JEBM_TRY(choose_data(claim, results, j, &data, err));
    if (data == NULL) {
        return JEBM_OK;
    }
    jebm_error why = {0};
    const jebm_status status = judge_data(claim, data, j, &why);
    if (status == JEBM_EMISMATCH) {
        // the data cannot answer this claim; the others go on
        j->interval = jebm_interval_over_runs(NULL, 0);
        j->diverged = 0;
        snprintf(j->reason, sizeof j->reason, "%.250s", why.text);
        return JEBM_OK;
    }
    if (status != JEBM_OK) {
        jebm_judgement_free(j);
        if (err != NULL) {
            *err = why;
        }
    }
    return status;
}

void jebm_judgement_free(jebm_judgement *j) {
    if (j != NULL) {
        free(j->values);
        free(j->runs);
        j->values = NULL;
        j->runs = NULL;
    }
}
