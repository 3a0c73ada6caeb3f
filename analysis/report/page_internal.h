/* What the parts of the page share.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_PAGE_INTERNAL_H
#define JEBM_ANALYSIS_PAGE_INTERNAL_H

#include "html.h"
#include "page.h"

/* A verdict as readers meet it, one measured at reduced size by where it points: code, name in the
 * style sheet, text, sign, meaning. From best to worst. */
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
      "no complete data for this figure, method or threshold")

typedef enum outcome {
#define JEBM_X(code, class, text, sign, meaning) code,
    JEBM_OUTCOME_LIST(JEBM_X)
#undef JEBM_X
        NOUTCOMES
} outcome;

typedef struct outcome_look {
    const char *class, *text, *sign, *meaning;
} outcome_look;

extern const outcome_look jebm_page_looks[NOUTCOMES];

outcome jebm_page_outcome(const jebm_judgement *j);
void jebm_page_badge(FILE *out, outcome o);

/* How many claims have which outcome, and as a bar; figure or fidelity NULL: of all. */
typedef struct tally {
    size_t counts[NOUTCOMES], total, hold;
} tally;
tally jebm_page_tally(const jebm_page *page, const char *figure, const char *fidelity);
void jebm_page_bar(FILE *out, const tally *t, const char *figure, const char *fidelity);

/* "Figure 6" for fig06, the name itself otherwise. Returns text. */
const char *jebm_page_figure_label(const char *name, char text[JEBM_NUMBER_TEXT]);
/* What a fidelity means, or "". */
const char *jebm_page_fidelity_meaning(const char *fidelity);

/* mean, interval and region of a judgement as texts */
typedef struct measured {
    char mean[JEBM_NUMBER_TEXT], interval[3 * JEBM_NUMBER_TEXT], region[3 * JEBM_NUMBER_TEXT];
} measured;
void jebm_page_measured(const jebm_judgement *j, measured *m);

/* Text, or number as text, at a key or at key/key; "" where there is none. */
const char *jebm_page_text(const json_t *object, const char *key, const char *inner);

/* A word as a shell reads it back, escaped for HTML. */
void jebm_page_shell_word(FILE *out, const char *word);

/* Has the page a section of this figure? It has of those that were run or that a claim is about. */
bool jebm_page_has_section(const jebm_page *page, const char *figure);
/* The section of one figure. */
void jebm_page_figure(FILE *out, const jebm_page *page, const jebm_known_figure *figure);
/* A drawing with its caption. */
void jebm_page_drawing(FILE *out, const jebm_drawing *d, const char *alt, const char *caption,
                       const char *detail);

/* Does a drawing in SCALE/ belong to this figure: FIGURE-something? */
bool jebm_page_belongs(const jebm_loose_drawing *d, const char *figure);

#endif
