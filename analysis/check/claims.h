/* claims.ini: what the paper asserts, as data.
 *
 * One section a claim; its name is the claim's id. Keys:
 *     figure     = fig06                directory of the data
 *     fidelity   = paper code           one claim each: ID@paper, ID@code
 *     source     = Fig. 6, Section B.1  where the paper says it
 *     kind       = exact | reported | qualitative | ours
 *     says       = the statement, in our own words
 *     method     = jarzynski            default cell of the quantity's reductions
 *     variant    = c=0.1 c=1.0          optional; one claim each: ID/c=0.1@paper, ...
 *     across     = c=0.1 c=0.2          optional; what spread(), lowest(), highest() run over
 *     scales     = reduced paper        optional; judged at these only, initially at all
 *     quantity   = last(p)              expr.h; one number a run
 *     low, high  = last(p_low)          optional, both or none: the ends of an interval that each run
 *                                       gives by itself; judged is the smallest that holds all of them
 *     predicate  = = 0.25 +- 0.03 | < x | > x | in [a, b]      x, a, b: scalars of expr.h without
 *                                       reductions, so $settings and $c may be used
 *     partial    = quick                optional; of these scales, those where on purpose some of the
 *                                       variants do not exist
 *     written    = before | after       optional; before or after a run that judges it was seen,
 *                                       initially before
 *     note       =                      optional; where a tolerance comes from
 * A value may go on in the next line if that is indented.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_CLAIMS_H
#define JEBM_ANALYSIS_CLAIMS_H

#include "app/preset.h"
#include "core/status.h"
#include "expr.h"

#include <stdbool.h>
#include <stddef.h>

enum { JEBM_CLAIM_ACROSS = 16 };

typedef enum jebm_claim_kind {
    JEBM_CLAIM_EXACT,
    JEBM_CLAIM_REPORTED,
    JEBM_CLAIM_QUALITATIVE,
    JEBM_CLAIM_OURS
} jebm_claim_kind;

/* The set of values for which a claim holds: [low, high], without its ends where open. */
typedef struct jebm_region {
    double low, high;
    bool open;
} jebm_region;

/* A predicate: `= centre +- tolerance`, `< a`, `> a`, `in [a, b]`. */
typedef struct jebm_predicate {
    char form; /* '=', '<', '>' or 'i' */
    jebm_expr *a, *b; /* b is NULL for '<' and '>' */
} jebm_predicate;

typedef struct jebm_claim {
    char id[96]; /* SECTION[/VARIANT]@FIDELITY */
    char section[49]; /* inih cuts section names at 49 characters */
    char figure[32], fidelity[16], method[32], variant[32];
    char across[JEBM_CLAIM_ACROSS][32];
    size_t nacross;
    jebm_claim_kind kind;
    bool scales[JEBM_NSCALES]; /* at which of jebm_scales it is judged */
    bool partial[JEBM_NSCALES]; /* at which some variants of its section do not exist */
    bool after; /* written after a run that judges it was seen */
    char *source, *says, *quantity, *predicate, *note; /* note may be NULL */
    size_t line; /* of the section in the claims file */
    jebm_expr *value;
    jebm_expr *low, *high; /* NULL: the interval is that over the runs */
    jebm_predicate region;
} jebm_claim;

typedef struct jebm_claims {
    char path[512];
    jebm_claim *list;
    size_t count;
} jebm_claims;

/* Read a claims file. JEBM_EINVAL: err says file:line, what was found and what was expected. */
jebm_status jebm_claims_load(const char *path, jebm_claims *claims, jebm_error *err);
void jebm_claims_free(jebm_claims *claims);

const char *jebm_claim_kind_text(jebm_claim_kind kind);

/* Parse the text of a predicate. */
jebm_status jebm_predicate_parse(const char *text, jebm_predicate *predicate, jebm_error *err);
void jebm_predicate_free(jebm_predicate *predicate);

/* The region that a predicate means for the data in env. Errors: as jebm_expr_eval();
 * JEBM_EMISMATCH where these data leave no region. */
jebm_status jebm_predicate_eval(const jebm_predicate *predicate, jebm_expr_env *env,
                                jebm_region *region, jebm_error *err);

#endif
