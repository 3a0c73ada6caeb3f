/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outcome.h"

const outcome_look jebm_outcome_looks[NOUTCOMES] = {
#define JEBM_X(code, class, text, sign, meaning) {class, text, sign, meaning},
    JEBM_OUTCOME_LIST(JEBM_X)
#undef JEBM_X
};

outcome jebm_outcome_of(const jebm_judgement *j) {
    switch (j->verdict) {
    case JEBM_VERDICT_EXACT:
        return OUTCOME_EXACT;
    case JEBM_VERDICT_WITHIN:
        return OUTCOME_WITHIN;
    case JEBM_VERDICT_UNDERPOWERED:
        return OUTCOME_UNDERPOWERED;
    case JEBM_VERDICT_DEVIATES:
        return OUTCOME_DEVIATES;
    case JEBM_VERDICT_SCALED:
        return j->direction == JEBM_DIRECTION_HOLDS   ? OUTCOME_SCALED_HOLDS
               : j->direction == JEBM_DIRECTION_FAILS ? OUTCOME_SCALED_FAILS
                                                      : OUTCOME_SCALED_UNCLEAR;
    case JEBM_VERDICT_NOT_RUN:
    default:
        return OUTCOME_NOT_RUN;
    }
}

const char *const jebm_origin_names[NORIGINS] = {"paper", "ours"};
const char *const jebm_origin_texts[NORIGINS] = {"the paper\xE2\x80\x99s", "ours"};

origin jebm_origin_of(const jebm_claim *claim) {
    return claim->kind == JEBM_CLAIM_OURS ? ORIGIN_OURS : ORIGIN_PAPER;
}

void jebm_tally_add(tally *t, outcome o) {
    t->counts[o]++;
    t->total++;
}

size_t jebm_tally_hold(const tally *t) {
    return t->counts[OUTCOME_EXACT] + t->counts[OUTCOME_WITHIN] + t->counts[OUTCOME_SCALED_HOLDS];
}

size_t jebm_tally_fail(const tally *t) {
    return t->counts[OUTCOME_DEVIATES] + t->counts[OUTCOME_SCALED_FAILS];
}
