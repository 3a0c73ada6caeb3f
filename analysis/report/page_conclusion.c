/* What holds and what does not, in sentences made from the verdicts.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include <stdlib.h>
#include <string.h>

/* ", 3 hold": what is not there is not said */
static void put_part(FILE *out, const char **separator, size_t n, const char *one,
                     const char *many) {
    if (n > 0) {
        jebm_html_put(out, "%s%zu %s", *separator, n, n == 1 ? one : many);
        *separator = ", ";
    }
}

/* ---- all claims of the paper ---- */

static size_t published(const tally *t) {
    return t->counts[OUTCOME_EXACT] + t->counts[OUTCOME_WITHIN] + t->counts[OUTCOME_UNDERPOWERED] +
           t->counts[OUTCOME_DEVIATES];
}

static void put_published_parts(FILE *out, const tally *t) {
    const char *separator = "";
    put_part(out, &separator, t->counts[OUTCOME_EXACT] + t->counts[OUTCOME_WITHIN], "holds",
             "hold");
    put_part(out, &separator, t->counts[OUTCOME_DEVIATES], "does not", "do not");
    put_part(out, &separator, t->counts[OUTCOME_UNDERPOWERED], "needs more runs to tell",
             "need more runs to tell");
}

/* the text and the released script are two experiments, and may come out differently */
static void put_published_fidelities(FILE *out, const jebm_page *page) {
    jebm_words fidelities = jebm_page_fidelities(page, ORIGIN_PAPER);
    bool any = false;
    for (size_t i = 0; i < fidelities.n; i++) {
        const char *fidelity = fidelities.list[i];
        const tally t = jebm_page_tally(page, ORIGIN_PAPER, NULL, fidelity);
        const char *meaning = jebm_page_fidelity_meaning(fidelity);
        if (published(&t) == 0) {
            continue;
        }
        fputs(any ? "; " : "", out);
        jebm_html_put(out, "with fidelity <em>%s</em>%s%s%s, ", fidelity,
                      *meaning != '\0' ? " (" : "", meaning, *meaning != '\0' ? ")" : "");
        put_published_parts(out, &t);
        any = true;
    }
    fputs(any ? ". " : "", out);
    free(fidelities.list);
}

static void put_published(FILE *out, const jebm_page *page, const tally *t) {
    const size_t judged = published(t);
    if (judged == 0) {
        jebm_html_put(out,
                      "None of the paper\xE2\x80\x99s %zu claims was judged at the published size "
                      "and settings. ",
                      t->total);
        return;
    }
    jebm_html_put(out,
                  "Of the paper\xE2\x80\x99s %zu claims, %zu %s judged at the published size and "
                  "settings: <strong>",
                  t->total, judged, judged == 1 ? "was" : "were");
    put_published_parts(out, t);
    fputs("</strong>. In detail: ", out);
    put_published_fidelities(out, page);
}

static void put_scaled(FILE *out, const jebm_page *page, const tally *t) {
    const size_t scaled = t->counts[OUTCOME_SCALED_HOLDS] + t->counts[OUTCOME_SCALED_UNCLEAR] +
                          t->counts[OUTCOME_SCALED_FAILS];
    if (scaled == 0) {
        return;
    }
    jebm_words scales = {0};
    for (size_t i = 0; i < page->n; i++) {
        const jebm_judgement *j = &page->list[i];
        if (jebm_origin_of(j->claim) == ORIGIN_PAPER && j->verdict == JEBM_VERDICT_SCALED) {
            jebm_words_add(&scales, j->scale);
        }
    }
    jebm_html_put(out,
                  "%zu%s %s only <em>scaled</em>, at a smaller size or other settings "
                  "(%s ",
                  scaled, published(t) > 0 ? " more" : "", scaled == 1 ? "is" : "are",
                  scales.n == 1 ? "scale" : "scales");
    jebm_words_put(out, &scales, ", ");
    fputs("), and cannot confirm or refute the paper: there ", out);
    const char *separator = "";
    put_part(out, &separator, t->counts[OUTCOME_SCALED_HOLDS], "holds", "hold");
    put_part(out, &separator, t->counts[OUTCOME_SCALED_FAILS], "does not", "do not");
    put_part(out, &separator, t->counts[OUTCOME_SCALED_UNCLEAR], "is unclear", "are unclear");
    fputs(". ", out);
    free(scales.list);
}

static void put_missing(FILE *out, const tally *t) {
    const size_t n = t->counts[OUTCOME_NOT_RUN];
    if (n > 0) {
        jebm_html_put(out, "%zu %s <em>not run</em>: the data here cannot answer %s.", n,
                      n == 1 ? "is" : "are", n == 1 ? "it" : "them");
    }
}

/* a claim that was written after its run was seen could not fail as freely as the others */
static void put_written_after(FILE *out, const jebm_page *page, origin whose) {
    size_t n = 0;
    for (size_t i = 0; i < page->n; i++) {
        const jebm_claim *c = page->list[i].claim;
        n += c->after && jebm_origin_of(c) == whose;
    }
    if (n > 0) {
        jebm_html_put(out,
                      " %zu of %s claims %s written after a run that judges %s was "
                      "seen.",
                      n, whose == ORIGIN_PAPER ? "all these" : "our", n == 1 ? "was" : "were",
                      n == 1 ? "it" : "them");
    }
}

/* ---- figure by figure ---- */

typedef enum standing { ALL_HOLD, SOME_FAIL, UNDECIDED, NO_DATA, NSTANDINGS } standing;

static standing standing_of(const tally *t) {
    if (t->counts[OUTCOME_NOT_RUN] == t->total) {
        return NO_DATA;
    }
    if (jebm_tally_fail(t) > 0) {
        return SOME_FAIL;
    }
    return jebm_tally_hold(t) + t->counts[OUTCOME_NOT_RUN] == t->total ? ALL_HOLD : UNDECIDED;
}

/* was nothing about it judged at the published size? */
static bool is_scaled(const tally *t) {
    return published(t) == 0;
}

static void put_figures(FILE *out, const jebm_page *page) {
    static const char *const heads[NSTANDINGS] = {
        "All that was judged holds in ", "Something does not hold in ",
        "Nothing fails, but something is undecided, in ", "There are no data for "};
    fputs("<ul class=\"standings\">\n", out);
    for (size_t s = 0; s < NSTANDINGS; s++) {
        bool any = false;
        for (size_t i = 0; i < page->catalogue->nfigures; i++) {
            const char *name = page->catalogue->figures[i].name;
            const tally t = jebm_page_tally(page, ORIGIN_PAPER, name, NULL);
            if (t.total == 0 || standing_of(&t) != s) {
                continue;
            }
            fputs(any ? ", " : "<li>", out);
            fputs(any ? "" : heads[s], out);
            any = true;
            jebm_page_figure_link(out, name);
            if (s == SOME_FAIL) {
                jebm_html_put(out, " (%zu of %zu%s)", jebm_tally_fail(&t), t.total,
                              is_scaled(&t) ? ", scaled" : "");
            } else if (s != NO_DATA && is_scaled(&t)) {
                fputs(" (scaled)", out);
            }
        }
        fputs(any ? ".</li>\n" : "", out);
    }
    fputs("</ul>\n", out);
}

/* ---- statement by statement ---- */

/* claims [first, first + n) of one section of the claims file */
static void put_failing_statement(FILE *out, const jebm_page *page, const jebm_judgement *first,
                                  size_t n) {
    tally t = {0};
    jebm_words fidelities = {0};
    for (size_t i = 0; i < n; i++) {
        tally one = {0};
        jebm_tally_add(&one, jebm_outcome_of(&first[i]));
        jebm_tally_add(&t, jebm_outcome_of(&first[i]));
        if (jebm_tally_fail(&one) > 0) {
            jebm_words_add(&fidelities, first[i].claim->fidelity);
        }
    }
    if (jebm_tally_fail(&t) > 0) {
        const jebm_claim *c = first->claim;
        char id[JEBM_ID_TEXT], label[JEBM_NUMBER_TEXT];
        jebm_html_put(out, "<li><a class=\"says\" href=\"#%s\">%s</a> <span class=\"soft\">%s (",
                      jebm_html_id("statement-", c->section, id), c->says,
                      jebm_page_figure_label(jebm_page_section_of(page, c), label));
        jebm_words_put(out, &fidelities, ", ");
        fputs("): ", out);
        const char *separator = "";
        put_part(out, &separator, t.counts[OUTCOME_DEVIATES], "deviates", "deviate");
        put_part(out, &separator, t.counts[OUTCOME_SCALED_FAILS], "does not hold, scaled",
                 "do not hold, scaled");
        jebm_html_put(out, " (of %zu)</span></li>\n", n);
    }
    free(fidelities.list);
}

static void put_failing(FILE *out, const jebm_page *page, origin whose) {
    const tally all = jebm_page_tally(page, whose, NULL, NULL);
    if (jebm_tally_fail(&all) == 0) {
        return;
    }
    jebm_html_put(out,
                  "<details><summary>The statements behind the %zu claim%s of %s that do not hold"
                  "</summary>\n<ul class=\"failing\">\n",
                  jebm_tally_fail(&all), jebm_tally_fail(&all) == 1 ? "" : "s",
                  whose == ORIGIN_PAPER ? "the paper" : "ours");
    for (size_t i = 0; i < page->n;) {
        size_t n = 1;
        while (i + n < page->n &&
               strcmp(page->list[i + n].claim->section, page->list[i].claim->section) == 0) {
            n++;
        }
        if (jebm_origin_of(page->list[i].claim) == whose) {
            put_failing_statement(out, page, &page->list[i], n);
        }
        i += n;
    }
    fputs("</ul></details>\n", out);
}

static void put_ours(FILE *out, const jebm_page *page, const tally *t) {
    jebm_html_put(out,
                  "<p>%zu more %s our own, about this implementation and its documentation, "
                  "counted apart: ",
                  t->total, t->total == 1 ? "claim is" : "claims are");
    const char *separator = "";
    put_part(out, &separator, jebm_tally_hold(t), "holds", "hold");
    put_part(out, &separator, jebm_tally_fail(t), "does not", "do not");
    put_part(out, &separator, t->counts[OUTCOME_UNDERPOWERED] + t->counts[OUTCOME_SCALED_UNCLEAR],
             "is undecided", "are undecided");
    put_part(out, &separator, t->counts[OUTCOME_NOT_RUN], "is not run", "are not run");
    if (t->counts[OUTCOME_SCALED_HOLDS] > 0) {
        jebm_html_put(out, ". Of those that hold, %zu %s only scaled",
                      t->counts[OUTCOME_SCALED_HOLDS],
                      t->counts[OUTCOME_SCALED_HOLDS] == 1 ? "is" : "are");
    }
    fputs(".", out);
    put_written_after(out, page, ORIGIN_OURS);
    fputs("</p>\n", out);
}

void jebm_page_conclusion(FILE *out, const jebm_page *page) {
    const tally paper = jebm_page_tally(page, ORIGIN_PAPER, NULL, NULL);
    const tally ours = jebm_page_tally(page, ORIGIN_OURS, NULL, NULL);
    fputs("<section id=\"conclusion\" aria-labelledby=\"conclusion-title\">\n"
          "<h2 id=\"conclusion-title\">Conclusion</h2>\n",
          out);
    if (paper.total > 0) {
        fputs("<p class=\"answer\">", out);
        put_published(out, page, &paper);
        put_scaled(out, page, &paper);
        put_missing(out, &paper);
        put_written_after(out, page, ORIGIN_PAPER);
        fputs("</p>\n", out);
        put_figures(out, page);
        put_failing(out, page, ORIGIN_PAPER);
    }
    if (ours.total > 0) {
        put_ours(out, page, &ours);
        put_failing(out, page, ORIGIN_OURS);
    }
    fputs("</section>\n", out);
}
