/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verdict.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

static const char *const verdict_texts[] = {
#define JEBM_X(code, text) text,
    JEBM_VERDICT_LIST(JEBM_X)
#undef JEBM_X
};

static const char *const direction_texts[] = {
#define JEBM_X(code, text) text,
    JEBM_DIRECTION_LIST(JEBM_X)
#undef JEBM_X
};

const char *jebm_verdict_text(jebm_verdict verdict) {
    return verdict_texts[verdict];
}

const char *jebm_direction_text(jebm_direction direction) {
    return direction_texts[direction];
}

bool jebm_verdict_parse(const char *text, jebm_verdict *verdict) {
    for (size_t i = 0; i < sizeof verdict_texts / sizeof *verdict_texts; i++) {
        if (strcmp(text, verdict_texts[i]) == 0) {
            *verdict = (jebm_verdict)i;
            return true;
        }
    }
    return false;
}

bool jebm_direction_parse(const char *text, jebm_direction *direction) {
    for (size_t i = 0; i < sizeof direction_texts / sizeof *direction_texts; i++) {
        if (strcmp(text, direction_texts[i]) == 0) {
            *direction = (jebm_direction)i;
            return true;
        }
    }
    return false;
}

jebm_interval jebm_interval_over_runs(const double *values, size_t n) {
    jebm_interval result = {.n = n, .mean = NAN, .low = NAN, .high = NAN};
    double mean = 0.0, squares = 0.0; // Welford
    for (size_t i = 0; i < n; i++) {
        const double delta = values[i] - mean;
        mean += delta / (double)(i + 1);
        squares += delta * (values[i] - mean);
    }
    if (n > 0) {
        result.mean = mean;
    }
    if (n > 1) {
        const double freedom = (double)(n - 1);
        const double se = sqrt(squares / freedom / (double)n);
        const double half = se * gsl_cdf_tdist_Pinv(0.5 * (1.0 + JEBM_CONFIDENCE), freedom);
        result.low = mean - half;
        result.high = mean + half;
    }
    return result;
}

jebm_direction jebm_interval_against(const jebm_interval *interval, const jebm_region *region) {
    if (interval->n < 2 || isnan(interval->low) || isnan(interval->high)) {
        return JEBM_DIRECTION_UNCLEAR;
    }
    const double low = interval->low, high = interval->high;
    const bool open = region->open;
    if (open ? low > region->low && high < region->high
             : low >= region->low && high <= region->high) {
        return JEBM_DIRECTION_HOLDS;
    }
    const bool apart = open ? high <= region->low || low >= region->high
                            : high < region->low || low > region->high;
    return apart ? JEBM_DIRECTION_FAILS : JEBM_DIRECTION_UNCLEAR;
}

jebm_verdict jebm_verdict_of(jebm_claim_kind kind, jebm_direction direction, bool published) {
    if (!published) {
        return JEBM_VERDICT_SCALED;
    }
    if (direction == JEBM_DIRECTION_HOLDS) {
        return kind == JEBM_CLAIM_EXACT ? JEBM_VERDICT_EXACT : JEBM_VERDICT_WITHIN;
    }
    return direction == JEBM_DIRECTION_FAILS ? JEBM_VERDICT_DEVIATES : JEBM_VERDICT_UNDERPOWERED;
}

bool jebm_verdict_is_worse(jebm_verdict now, jebm_direction now_direction, jebm_verdict before,
                           jebm_direction before_direction) {
    if (now == JEBM_VERDICT_SCALED && before == JEBM_VERDICT_SCALED) {
        return now_direction > before_direction;
    }
    // exact and within differ by the kind of the claim, not by how well it did
    const jebm_verdict best = JEBM_VERDICT_WITHIN;
    return (now > best ? now : best) > (before > best ? before : best);
}
