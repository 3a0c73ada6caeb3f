/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "expr_internal.h"

#include "app/nearest.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct scope {
    jebm_expr_env *env;
    const char *variant; /* the claim's, or the present one of `across` */
    jebm_error *err;
} scope;

static jebm_status eval(const node *n, const scope *s, double *value);

/* $name: the number in a variant "name=number", or else in the preset */
static jebm_status eval_setting(const node *n, const scope *s, double *value) {
    const size_t length = strlen(n->name);
    const bool of_variant = s->variant != NULL && strncmp(s->variant, n->name, length) == 0 &&
                            s->variant[length] == '=';
    const char *text =
        of_variant ? s->variant + length + 1 : jebm_figure_data_setting(s->env->data, n->name);
    if (text == NULL) {
        return jebm_fail(s->err, JEBM_EMISMATCH,
                         "'$%s' is neither in the variant '%s' nor a setting of %s", n->name,
                         s->variant && s->variant[0] ? s->variant : "-", s->env->data->name);
    }
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(*value)) {
        return jebm_fail(s->err, JEBM_EMISMATCH, "'$%s' is '%s' in %s, expected one finite number",
                         n->name, text, s->env->data->name);
    }
    return JEBM_OK;
}

static double binary(char op, double a, double b) {
    return op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
}

static double scalar_function(function f, const double *x, size_t n) {
    if (f == F_abs || f == F_log || f == F_sqrt) {
        return f == F_abs ? fabs(x[0]) : f == F_log ? log(x[0]) : sqrt(x[0]);
    }
    double extreme = x[0];
    for (size_t i = 1; i < n; i++) {
        const bool better = f == F_least ? x[i] < extreme : x[i] > extreme;
        extreme = better || isnan(x[i]) ? x[i] : extreme;
    }
    return extreme;
}

/* ---- columns: one row at a time ---- */

static jebm_status row_value(const node *n, const scope *s, size_t row, double *value) {
    const jebm_figure_data *data = s->env->data;
    double x[MAX_ARGS];
    if (n->type == NUMBER) {
        *value = n->number;
        return JEBM_OK;
    }
    if (n->type == SETTING) {
        return eval_setting(n, s, value);
    }
    if (n->type == COLUMN) {
        const size_t column = jebm_figure_data_column(data, n->name);
        if (column == data->ncolumns) {
            char hint[JEBM_HINT_TEXT];
            return jebm_fail(s->err, JEBM_EMISMATCH, "%s has no column '%s'%s", data->name, n->name,
                             jebm_nearest_hint(n->name, data->columns, data->ncolumns, hint));
        }
        *value = data->values[column * data->nrows + row];
        return JEBM_OK;
    }
    const size_t nargs = n->type == SCALAR ? n->nargs : n->type == BINARY ? 2 : 1;
    for (size_t i = 0; i < nargs; i++) {
        JEBM_TRY(row_value(n->args[i], s, row, &x[i]));
    }
    *value = n->type == NEGATE   ? -x[0]
             : n->type == BINARY ? binary(n->op, x[0], x[1])
                                 : scalar_function(n->f, x, nargs);
    return JEBM_OK;
}

/* what every reduction can need, gathered in one pass over [from, to] */
typedef struct gathered {
    size_t count;
    double sum, sum_step; /* relative to the first row, which keeps the slope accurate */
    double sum_step2, sum_cross, first, first_step;
    double least, least_step, most, most_step;
    double last, nearest, nearest_gap;
    double below;
    double crossings;
    int side;
} gathered;

static void gather(gathered *g, double step, double x, double target) {
    if (g->count++ == 0) {
        g->first = g->least = g->most = x;
        g->first_step = g->least_step = g->most_step = step;
        g->nearest_gap = INFINITY;
        g->below = NAN;
    }
    const double dx = x - g->first, ds = step - g->first_step;
    g->sum += dx;
    g->sum_step += ds;
    g->sum_step2 += ds * ds;
    g->sum_cross += ds * dx;
    // a NaN must not be passed over: it wins for good
    if (x < g->least || isnan(x)) {
        g->least = x;
        g->least_step = isnan(x) ? NAN : step;
    }
    if (x > g->most || isnan(x)) {
        g->most = x;
        g->most_step = isnan(x) ? NAN : step;
    }
    g->last = x;
    if (fabs(step - target) < g->nearest_gap) {
        g->nearest_gap = fabs(step - target);
        g->nearest = x;
    }
    if (isnan(g->below) && x < target) {
        g->below = step;
    }
    const int side = (x > target) - (x < target);
    if (side != 0) {
        g->crossings += g->side == -side;
        g->side = side;
    }
}

static double slope(const gathered *g) {
    const double n = (double)g->count;
    const double variance = g->sum_step2 - g->sum_step * g->sum_step / n;
    return (g->sum_cross - g->sum_step * g->sum / n) / variance;
}

static double reduced(const gathered *g, function f, double last_step) {
    // a NaN among the rows makes every reduction over them NaN
    const double tainted = isnan(g->least) || isnan(g->most) ? NAN : 0.0;
    switch (f) {
    case F_last:
        return g->last;
    case F_at:
        return g->nearest;
    case F_below:
        return tainted + (isnan(g->below) ? last_step : g->below);
    case F_crossings:
        return tainted + g->crossings;
    case F_mean:
        return g->first + g->sum / (double)g->count;
    case F_min:
        return g->least;
    case F_max:
        return g->most;
    case F_argmin:
        return tainted + g->least_step;
    case F_argmax:
        return tainted + g->most_step;
    default:
        assert(f == F_slope);
        return slope(g);
    }
}

static jebm_status find_series(const node *n, const scope *s, const jebm_series **series) {
    const jebm_expr_env *env = s->env;
    const char *method = n->name[0] ? n->name : env->method;
    const char *variant = n->name[0] ? n->variant : s->variant;
    if (method == NULL || method[0] == '\0') {
        return jebm_fail(s->err, JEBM_EINVAL,
                         "the claim names no method: expected 'method = ' or a {cell} before %s()",
                         jebm_expr_function_name(n->f));
    }
    variant = variant == NULL || variant[0] == '\0' ? "-" : variant;
    *series = jebm_figure_data_series(env->data, method, variant, env->run);
    if (*series == NULL) {
        return jebm_fail(s->err, JEBM_EMISMATCH, "%s has no run %zu of %s %s", env->data->name,
                         env->run, method, variant);
    }
    return JEBM_OK;
}

/* a shorter run would answer another question */
static jebm_status check_end(const node *n, const scope *s, double step) {
    const jebm_figure_data *data = s->env->data;
    return step <= data->last_step + 0.5
               ? JEBM_OK
               : jebm_fail(s->err, JEBM_EMISMATCH, "%s ends at step %g, %s() needs step %g",
                           data->name, data->last_step, jebm_expr_function_name(n->f), step);
}

static jebm_status eval_reduction(const node *n, const scope *s, double *value) {
    const jebm_series *series;
    JEBM_TRY(find_series(n, s, &series));
    const double *steps = s->env->data->values; // column 0 is the step
    const double last_step = steps[series->first + series->count - 1];
    double from = -INFINITY, to = INFINITY, target = 0.0;
    if (n->nargs == 3) {
        JEBM_TRY(eval(n->args[1], s, &from));
        JEBM_TRY(eval(n->args[2], s, &to));
        JEBM_TRY(check_end(n, s, to));
    } else if (n->nargs == 2) {
        JEBM_TRY(eval(n->args[1], s, &target));
        JEBM_TRY(n->f == F_at ? check_end(n, s, target) : JEBM_OK);
    }
    gathered g = {0};
    for (size_t row = series->first; row < series->first + series->count; row++) {
        double x;
        JEBM_TRY(row_value(n->args[0], s, row, &x));
        if (steps[row] >= from && steps[row] <= to) {
            gather(&g, steps[row], x, target);
        }
    }
    s->env->diverged |= series->diverged;
    const size_t needed = n->f == F_slope ? 2 : 1;
    if (g.count < needed) {
        char last[32] = "";
        if (isfinite(to)) {
            snprintf(last, sizeof last, " to %g", to);
        }
        return jebm_fail(s->err, JEBM_EMISMATCH,
                         "%s has %zu recorded steps from %g%s, %s() needs %zu", s->env->data->name,
                         g.count, isfinite(from) ? from : 0.0, last, jebm_expr_function_name(n->f),
                         needed);
    }
    *value = reduced(&g, n->f, last_step);
    return JEBM_OK;
}

static jebm_status eval_across(const node *n, const scope *s, double *value) {
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < s->env->nacross; i++) {
        const scope inner = {.env = s->env, .variant = s->env->across[i], .err = s->err};
        double x;
        JEBM_TRY(eval(n->args[0], &inner, &x));
        if (isnan(x)) {
            *value = x;
            return JEBM_OK;
        }
        least = fmin(least, x);
        most = fmax(most, x);
    }
    *value = n->f == F_spread ? most - least : n->f == F_lowest ? least : most;
    return JEBM_OK;
}

static jebm_status eval(const node *n, const scope *s, double *value) {
    double x[MAX_ARGS];
    switch (n->type) {
    case NUMBER:
        *value = n->number;
        return JEBM_OK;
    case LAST_STEP:
        *value = n->number * s->env->data->last_step;
        return JEBM_OK;
    case SETTING:
        return eval_setting(n, s, value);
    case REDUCE:
        return eval_reduction(n, s, value);
    case ACROSS:
        return eval_across(n, s, value);
    case NEGATE:
        JEBM_TRY(eval(n->args[0], s, &x[0]));
        *value = -x[0];
        return JEBM_OK;
    case BINARY:
        JEBM_TRY(eval(n->args[0], s, &x[0]));
        JEBM_TRY(eval(n->args[1], s, &x[1]));
        *value = binary(n->op, x[0], x[1]);
        return JEBM_OK;
    default:
        assert(n->type == SCALAR);
        for (size_t i = 0; i < n->nargs; i++) {
            JEBM_TRY(eval(n->args[i], s, &x[i]));
        }
        *value = scalar_function(n->f, x, n->nargs);
        return JEBM_OK;
    }
}

jebm_status jebm_expr_eval(const jebm_expr *expr, jebm_expr_env *env, double *value,
                           jebm_error *err) {
    const scope s = {.env = env, .variant = env->variant, .err = err};
    return eval(expr->root, &s, value);
}
