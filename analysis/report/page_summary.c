/* The verdicts, counted: by fidelity and by figure, the paper's claims and ours apart.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include <stdlib.h>

/* each part of the bar is a link that the script turns into a filter of the table of claims */
static void put_bar(FILE *out, const tally *t, origin whose, const char *section,
                    const char *fidelity) {
    fputs("<span class=\"bar\">", out);
    for (size_t o = 0; o < NOUTCOMES; o++) {
        const outcome_look *look = &jebm_outcome_looks[o];
        if (t->counts[o] == 0) {
            continue;
        }
        jebm_html_put(out,
                      "<a class=\"part v-%s\" style=\"flex-grow:%zu\" href=\"#claims\" "
                      "data-verdict=\"%s\" data-origin=\"%s\"",
                      look->class, t->counts[o], look->class, jebm_origin_names[whose]);
        if (section != NULL) {
            jebm_html_put(out, " data-figure=\"%s\"", section);
        }
        jebm_html_put(out,
                      " data-fidelity=\"%s\" title=\"%zu %s\">%zu<span class=\"quiet\"> %s</span>"
                      "</a>",
                      fidelity, t->counts[o], look->text, t->counts[o], look->text);
    }
    fputs("</span>", out);
}

static void put_sentence(FILE *out, const tally *t) {
    static const struct {
        outcome o;
        const char *one, *many;
    } rest[] = {
        {OUTCOME_DEVIATES, "deviates", "deviate"},
        {OUTCOME_SCALED_FAILS, "does not at this scale", "do not at this scale"},
        {OUTCOME_UNDERPOWERED, "needs more runs to tell", "need more runs to tell"},
        {OUTCOME_SCALED_UNCLEAR, "is unclear at this scale", "are unclear at this scale"},
        {OUTCOME_NOT_RUN, "was not run", "were not run"},
    };
    jebm_html_put(out, "<p>%zu of %zu claims hold", jebm_tally_hold(t), t->total);
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        const size_t count = t->counts[rest[i].o];
        if (count > 0) {
            jebm_html_put(out, ", %zu %s", count, count == 1 ? rest[i].one : rest[i].many);
        }
    }
    fputs(".</p>\n", out);
}

static void put_by_figure(FILE *out, const jebm_page *page, origin whose,
                          const jebm_words *fidelities) {
    jebm_html_put(out,
                  "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Verdicts by "
                  "figure, %s\"><table class=\"matrix\">\n<caption>By figure: how many claims have "
                  "which verdict</caption>\n<thead><tr><th scope=\"col\">Figure</th>",
                  jebm_origin_texts[whose]);
    for (size_t f = 0; f < fidelities->n; f++) {
        jebm_html_put(out, "<th scope=\"col\">%s</th>", fidelities->list[f]);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < page->catalogue->nfigures; i++) {
        const char *name = page->catalogue->figures[i].name;
        if (jebm_page_tally(page, whose, name, NULL).total == 0) {
            continue;
        }
        fputs("<tr><th scope=\"row\">", out);
        jebm_page_figure_link(out, name);
        fputs("</th>", out);
        for (size_t f = 0; f < fidelities->n; f++) {
            const tally t = jebm_page_tally(page, whose, name, fidelities->list[f]);
            fputs("<td>", out);
            if (t.total > 0) {
                put_bar(out, &t, whose, name, fidelities->list[f]);
            }
            fputs("</td>", out);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void put_origin(FILE *out, const jebm_page *page, origin whose) {
    jebm_words fidelities = jebm_page_fidelities(page, whose);
    if (fidelities.n > 0) {
        jebm_html_put(out, "<h3>%s claims</h3>\n<div class=\"fidelities\">\n",
                      whose == ORIGIN_PAPER ? "The paper\xE2\x80\x99s" : "Our own");
    }
    for (size_t f = 0; f < fidelities.n; f++) {
        const char *fidelity = fidelities.list[f];
        const tally t = jebm_page_tally(page, whose, NULL, fidelity);
        jebm_html_put(out, "<div class=\"card\"><h4>%s <span class=\"soft\">%s</span></h4>\n",
                      fidelity, jebm_page_fidelity_meaning(fidelity));
        put_bar(out, &t, whose, NULL, fidelity);
        put_sentence(out, &t);
        fputs("</div>\n", out);
    }
    if (fidelities.n > 0) {
        fputs("</div>\n", out);
        put_by_figure(out, page, whose, &fidelities);
    }
    free(fidelities.list);
}

static void put_legend(FILE *out, const jebm_page *page) {
    tally all[NORIGINS];
    for (size_t w = 0; w < NORIGINS; w++) {
        all[w] = jebm_page_tally(page, (origin)w, NULL, NULL);
    }
    fputs("<h3>What the verdicts mean</h3>\n"
          "<ul class=\"legend\" aria-label=\"Verdicts, their meaning and number\">\n",
          out);
    for (size_t o = 0; o < NOUTCOMES; o++) {
        if (all[ORIGIN_PAPER].counts[o] + all[ORIGIN_OURS].counts[o] == 0) {
            continue;
        }
        fputs("<li>", out);
        jebm_page_badge(out, (outcome)o);
        jebm_html_put(out, "<span class=\"meaning\">%s", jebm_outcome_looks[o].meaning);
        for (size_t w = 0; w < NORIGINS; w++) {
            if (all[w].counts[o] > 0) {
                jebm_html_put(out,
                              " <a href=\"#claims\" data-verdict=\"%s\" data-origin=\"%s\">%zu of "
                              "%s</a>",
                              jebm_outcome_looks[o].class, jebm_origin_names[w], all[w].counts[o],
                              jebm_origin_texts[w]);
            }
        }
        fputs("</span></li>\n", out);
    }
    fputs("</ul>\n", out);
}

static void put_unrun(FILE *out, const jebm_page *page) {
    bool any = false;
    for (size_t i = 0; i < page->catalogue->nfigures; i++) {
        const jebm_known_figure *figure = &page->catalogue->figures[i];
        char label[JEBM_NUMBER_TEXT];
        if (jebm_page_runs(page, figure->name).n > 0) {
            continue;
        }
        fputs(any ? "" : "<h3>Not run</h3>\n<ul class=\"unrun\">\n", out);
        any = true;
        jebm_html_put(out, "<li><strong>%s</strong>%s%s</li>\n",
                      jebm_page_figure_label(figure->name, label), figure->title ? ": " : "",
                      figure->title ? figure->title : "");
    }
    fputs(any ? "</ul>\n" : "", out);
}

void jebm_page_summary(FILE *out, const jebm_page *page) {
    fputs("<section id=\"summary\" aria-labelledby=\"summary-title\">\n"
          "<h2 id=\"summary-title\">The verdicts, counted</h2>\n",
          out);
    for (size_t w = 0; w < NORIGINS; w++) {
        put_origin(out, page, (origin)w);
    }
    put_legend(out, page);
    put_unrun(out, page);
    fputs("</section>\n", out);
}
