/* A verdict as readers meet it, whose claim it is about, and how many there are of each.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_OUTCOME_H
#define JEBM_ANALYSIS_OUTCOME_H

#include "judge.h"

/* A verdict; one measured at reduced size goes by where it points: code, name in the style sheet,
 * text, sign, meaning. From best to worst. */
#define JEBM_OUTCOME_LIST(X)                                                                    \
    X(OUTCOME_EXACT, "exact", "exact", "\xE2\x89\xA1",                                          \
      "a closed form, and it comes out to rounding")                                            \
    X(OUTCOME_WITHIN, "within", "within", "\xE2\x9C\x93",                                       \
      "the 95 % interval lies inside the region that the claim demands")                        \
    X(OUTCOME_SCALED_HOLDS, "scaled-holds", "scaled: holds", "\xE2\x97\x91",                    \
      "inside, but below the published size or with other settings than the preset's")          \
    X(OUTCOME_UNDERPOWERED, "underpowered", "underpowered", "?",                                \
      "the interval crosses the edge of the region: more runs are needed to tell")              \
    X(OUTCOME_SCALED_UNCLEAR, "scaled-unclear", "scaled: unclear", "\xE2\x97\x94",              \
      "across the edge, and below the published size or with other settings than the preset's") \
    X(OUTCOME_SCALED_FAILS, "scaled-fails", "scaled: does not hold", "\xE2\x97\x8B",            \
      "outside, but below the published size or with other settings than the preset's")         \
    X(OUTCOME_DEVIATES, "deviates", "deviates", "\xE2\x9C\x97",                                 \
      "the interval has nothing in common with the region: the claim does not come out")        \
    X(OUTCOME_NOT_RUN, "not-run", "not run", "\xE2\x80\x93",                                    \
      "the data here cannot answer it: each says why")

typedef enum outcome {
#define JEBM_X(code, class, text, sign, meaning) code,
    JEBM_OUTCOME_LIST(JEBM_X)
#undef JEBM_X
        NOUTCOMES
} outcome;

typedef struct outcome_look {
    const char *class, *text, *sign, *meaning;
} outcome_look;

extern const outcome_look jebm_outcome_looks[NOUTCOMES];

outcome jebm_outcome_of(const jebm_judgement *j);

/* The paper's claims and ours are never counted together. */
typedef enum origin { ORIGIN_PAPER, ORIGIN_OURS, NORIGINS } origin;

/* Name in attributes, and in words: "the paper's", "ours". */
extern const char *const jebm_origin_names[NORIGINS];
extern const char *const jebm_origin_texts[NORIGINS];

origin jebm_origin_of(const jebm_claim *claim);

typedef struct tally {
    size_t counts[NOUTCOMES], total;
} tally;

void jebm_tally_add(tally *t, outcome o);
/* Those that hold, and those that do not, at whatever size. */
size_t jebm_tally_hold(const tally *t);
size_t jebm_tally_fail(const tally *t);

#endif
