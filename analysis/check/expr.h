/* The language of claims: arithmetic over reductions of one run's recorded steps.
 *
 *     scalar  := term (('+' | '-') term)*          term := factor (('*' | '/') factor)*
 *     factor  := '-' factor | atom
 *     atom    := number | number 'K' | 'K' | '$' name | '(' scalar ')'
 *              | abs(s) | log(s) | sqrt(s) | least(s, ...) | greatest(s, ...)
 *              | spread(s) | lowest(s) | highest(s)     over the claim's `across` variants
 *              | [cell] reduction
 *     cell    := '{' method [variant] '}'               another cell than the claim's own
 *     reduction := last(col) | at(col, step) | below(col, level) | crossings(col, level)
 *              | mean | min | max | argmin | argmax | slope, each (col [, from, to])
 *
 * `col` is arithmetic of the same form over the CSV's column names, numbers and $names. K is the
 * figure's last recorded step, so 0.5K is half a run at any scale. $name is the number in the
 * variant ($c in "c=0.1") or else in the manifest's preset. Steps are inclusive and none may lie
 * beyond K; at() takes the recorded step that is nearest. below() is the first recorded step at
 * which col < level, or the run's last where there is none; crossings() counts changes of side, a
 * value on the level being on neither. slope() is least squares, per step.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_EXPR_H
#define JEBM_ANALYSIS_EXPR_H

#include "core/status.h"
#include "figure_data.h"

typedef struct jebm_expr jebm_expr;

/* Where an expression is evaluated: one run, with the claim's cell as the default one. */
typedef struct jebm_expr_env {
    const jebm_figure_data *data;
    const char *method, *variant;
    const char (*across)[32]; /* [nacross] variants for spread(), lowest() and highest() */
    size_t nacross;
    size_t run;
    bool diverged; /* out: a series was touched that diverged; never cleared here */
} jebm_expr_env;

/* Parse text; *expr is owned by the caller. JEBM_EINVAL: err says at which character, what was
 * found and what was expected. */
jebm_status jebm_expr_parse(const char *text, jebm_expr **expr, jebm_error *err);
void jebm_expr_free(jebm_expr *expr);

/* Does it use spread(), lowest() or highest()? */
bool jebm_expr_is_across(const jebm_expr *expr);

/* Does it have a reduction without a {cell} of its own? */
bool jebm_expr_needs_method(const jebm_expr *expr);

/* Value for env's run. JEBM_EMISMATCH: the data lack a cell, run, column, $name or recorded steps
 * that it needs, and err says which in one clause without a path. JEBM_EINVAL: it needs a method
 * and env names none. */
jebm_status jebm_expr_eval(const jebm_expr *expr, jebm_expr_env *env, double *value,
                           jebm_error *err);

#endif
