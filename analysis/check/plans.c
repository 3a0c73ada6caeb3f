/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* what stands in for a number that a run would give */
#define MADE_UP 0.5

static const char *text_of(const json_t *plan, const char *key) {
    const char *text = json_string_value(json_object_get(plan, key));
    return text != NULL ? text : "";
}

/* the cells, one run each */
static bool fill_series(jebm_figure_data *d, const json_t *cells, size_t steps) {
    size_t i;
    const json_t *cell;
    json_array_foreach(cells, i, cell) {
        d->series[i] = (jebm_series){.method = text_of(cell, "method"),
                                     .variant = text_of(cell, "variant"),
                                     .first = i * steps,
                                     .count = steps};
        if (d->series[i].method[0] == '\0' || d->series[i].variant[0] == '\0') {
            return false;
        }
    }
    d->nseries = json_array_size(cells);
    return true;
}

/* the recorded steps of every cell, and the same number in all other columns */
static bool fill_values(jebm_figure_data *d, const json_t *columns, const json_t *steps) {
    const size_t n = json_array_size(steps);
    for (size_t c = 0; c < d->ncolumns; c++) {
        d->columns[c] = json_string_value(json_array_get(columns, c));
        if (d->columns[c] == NULL) {
            return false;
        }
        for (size_t row = 0; row < d->nrows; row++) {
            const json_t *step = json_array_get(steps, row % n);
            d->values[c * d->nrows + row] = c == 0 ? json_number_value(step) : MADE_UP;
            if (!json_is_integer(step)) {
                return false;
            }
        }
    }
    d->last_step = d->values[n - 1];
    return true;
}

/* Errors: JEBM_EFORMAT where the plan lacks something, JEBM_ENOMEM. The plan becomes the data's. */
static jebm_status take_plan(jebm_figure_data *d, json_t *plan) {
    *d = (jebm_figure_data){.manifest = plan, .complete = true, .runs = 1};
    const json_t *cells = json_object_get(plan, "cells");
    const json_t *columns = json_object_get(plan, "columns");
    const json_t *steps = json_object_get(plan, "steps");
    snprintf(d->name, sizeof d->name, "%.16s/%.16s/%.64s", text_of(plan, "scale"),
             text_of(plan, "fidelity"), text_of(plan, "figure"));
    d->nrows = json_array_size(cells) * json_array_size(steps);
    d->ncolumns = json_array_size(columns);
    if (d->nrows == 0 || d->ncolumns == 0 || text_of(plan, "figure")[0] == '\0') {
        return JEBM_EFORMAT;
    }
    d->columns = calloc(d->ncolumns, sizeof *d->columns);
    d->values = calloc(d->ncolumns * d->nrows, sizeof *d->values);
    d->series = calloc(json_array_size(cells), sizeof *d->series);
    if (d->columns == NULL || d->values == NULL || d->series == NULL) {
        return JEBM_ENOMEM;
    }
    const bool ok = fill_series(d, cells, json_array_size(steps)) && fill_values(d, columns, steps);
    return ok ? JEBM_OK : JEBM_EFORMAT;
}

static jebm_status add_line(const char *path, size_t line, const char *text, jebm_plans *plans,
                            jebm_error *err) {
    jebm_figure_data *list = realloc(plans->list, (plans->n + 1) * sizeof *list);
    jebm_status status = JEBM_ENOMEM;
    if (list != NULL) {
        plans->list = list;
        status = take_plan(&list[plans->n++], json_loads(text, JSON_REJECT_DUPLICATES, NULL));
    }
    return status == JEBM_OK ? JEBM_OK
           : status == JEBM_ENOMEM
               ? jebm_fail(err, status, "%s:%zu: not enough memory for another plan", path, line)
               : jebm_fail(err, status,
                           "%s:%zu: found '%.20s...', expected a line that a driver's --plan "
                           "printed: figure, scale, fidelity, cells, columns and steps",
                           path, line, text);
}

jebm_status jebm_plans_read(const char *path, jebm_plans *plans, jebm_error *err) {
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return jebm_fail(err, JEBM_EIO, "%s: cannot be read: %s", path, strerror(errno));
    }
    char *text = NULL;
    size_t size = 0, line = 0;
    jebm_status status = JEBM_OK;
    while (status == JEBM_OK && getline(&text, &size, in) > 0) {
        text[strcspn(text, "\n")] = '\0';
        status = add_line(path, ++line, text, plans, err);
    }
    if (status == JEBM_OK && (ferror(in) || line == 0)) {
        status =
            jebm_fail(err, JEBM_EFORMAT, "%s: found no line, expected what --plan printed", path);
    }
    free(text);
    fclose(in);
    return status;
}

void jebm_plans_free(jebm_plans *plans) {
    for (size_t i = 0; i < plans->n; i++) {
        jebm_figure_data_free(&plans->list[i]);
    }
    free(plans->list);
    *plans = (jebm_plans){0};
}

/* can data of this shape answer the claim? why says what they lack */
static jebm_status answer(const jebm_claim *c, const jebm_figure_data *data, jebm_error *why) {
    jebm_expr_env env = {.data = data,
                         .method = c->method,
                         .variant = c->variant,
                         .across = c->across,
                         .nacross = c->nacross};
    jebm_region region;
    double value;
    JEBM_TRY(jebm_predicate_eval(&c->region, &env, &region, why));
    return jebm_expr_eval(c->value, &env, &value, why);
}

/* does a list of scales hold that of the plan? */
static bool lists(const bool scales[JEBM_NSCALES], const jebm_figure_data *plan) {
    for (size_t i = 0; i < JEBM_NSCALES; i++) {
        if (strcmp(text_of(plan->manifest, "scale"), jebm_scales[i]) == 0) {
            return scales[i];
        }
    }
    return false;
}

/* has some claim of the same section and fidelity an answer by this plan? */
static bool section_answers(const jebm_claims *claims, const jebm_claim *c,
                            const jebm_figure_data *plan) {
    for (size_t i = 0; i < claims->count; i++) {
        const jebm_claim *other = &claims->list[i];
        if (strcmp(other->section, c->section) == 0 && strcmp(other->fidelity, c->fidelity) == 0 &&
            answer(other, plan, NULL) == JEBM_OK) {
            return true;
        }
    }
    return false;
}

static jebm_status check_claim(FILE *out, const jebm_claims *claims, const jebm_claim *c,
                               const jebm_plans *plans, size_t *failures, jebm_error *err) {
    bool offered = false, judged = false;
    for (size_t i = 0; i < plans->n; i++) {
        const jebm_figure_data *plan = &plans->list[i];
        if (strcmp(text_of(plan->manifest, "figure"), c->figure) != 0 ||
            strcmp(text_of(plan->manifest, "fidelity"), c->fidelity) != 0) {
            continue;
        }
        offered = true;
        if (!lists(c->scales, plan)) {
            continue;
        }
        judged = true;
        jebm_error why = {0};
        const jebm_status status = answer(c, plan, &why);
        if (status == JEBM_EMISMATCH) {
            if (!lists(c->partial, plan) || !section_answers(claims, c, plan)) {
                fprintf(out, "%s: %s\n", c->id, why.text);
                ++*failures;
            }
        } else if (status != JEBM_OK) {
            return jebm_fail(err, status, "%s: %.500s", c->id, why.text);
        }
    }
    if (!judged) {
        fprintf(out, "%s: %s\n", c->id,
                offered ? "its figure has none of its scales"
                        : "no plan has its figure and fidelity");
        ++*failures;
    }
    return JEBM_OK;
}

jebm_status jebm_plans_check(FILE *out, const jebm_claims *claims, const jebm_plans *plans,
                             bool (*wanted)(const jebm_claim *claim, const void *context),
                             const void *context, size_t *failures, jebm_error *err) {
    *failures = 0;
    for (size_t i = 0; i < claims->count; i++) {
        if (wanted == NULL || wanted(&claims->list[i], context)) {
            JEBM_TRY(check_claim(out, claims, &claims->list[i], plans, failures, err));
        }
    }
    return JEBM_OK;
}
