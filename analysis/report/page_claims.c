/* The table of all claims, to filter and to sort.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include <math.h>
#include <stdlib.h>

static void open_choice(FILE *out, const char *id, const char *label) {
    jebm_html_put(out,
                  "<div><label for=\"filter-%s\">%s</label><select id=\"filter-%s\">"
                  "<option value=\"\">all</option>",
                  id, label, id);
}

static void put_option(FILE *out, const char *value, const char *text) {
    jebm_html_put(out, "<option value=\"%s\">%s</option>", value, text);
}

static void close_choice(FILE *out) {
    fputs("</select></div>\n", out);
}

static void put_filters(FILE *out, const jebm_page *page) {
    fputs("<form id=\"filters\" class=\"filters\" hidden>\n", out);
    open_choice(out, "origin", "Whose");
    for (size_t w = 0; w < NORIGINS; w++) {
        put_option(out, jebm_origin_names[w], jebm_origin_texts[w]);
    }
    close_choice(out);
    open_choice(out, "verdict", "Verdict");
    for (size_t o = 0; o < NOUTCOMES; o++) {
        put_option(out, jebm_outcome_looks[o].class, jebm_outcome_looks[o].text);
    }
    close_choice(out);
    open_choice(out, "figure", "Figure");
    for (size_t i = 0; i < page->catalogue->nfigures; i++) {
        const char *name = page->catalogue->figures[i].name;
        char label[JEBM_NUMBER_TEXT];
        if (jebm_page_is_claimed(page, name)) {
            put_option(out, name, jebm_page_figure_label(name, label));
        }
    }
    close_choice(out);
    open_choice(out, "fidelity", "Fidelity");
    jebm_words fidelities = {0};
    for (size_t i = 0; i < page->n; i++) {
        jebm_words_add(&fidelities, page->list[i].claim->fidelity);
    }
    for (size_t i = 0; i < fidelities.n; i++) {
        put_option(out, fidelities.list[i], fidelities.list[i]);
    }
    free(fidelities.list);
    close_choice(out);
    fputs("<div class=\"grow\"><label for=\"filter-text\">Words</label>"
          "<input id=\"filter-text\" type=\"search\" autocomplete=\"off\" "
          "placeholder=\"PCD, threshold, divergence\"></div>\n"
          "<div class=\"narrow\"><label for=\"sort-by\">Sort by</label><select id=\"sort-by\">"
          "</select></div>\n"
          "<div><button type=\"reset\">Show all</button></div>\n</form>\n"
          "<p id=\"count\" class=\"count\" role=\"status\"></p>\n",
          out);
}

static void put_sortable(FILE *out, double x) {
    if (isfinite(x)) {
        fprintf(out, " data-sort=\"%.17g\"", x);
    } else {
        fputs(" data-sort=\"\"", out);
    }
}

static void put_claim_row(FILE *out, const jebm_page *page, const jebm_judgement *j) {
    const jebm_claim *c = j->claim;
    const outcome o = jebm_outcome_of(j);
    const char *section = jebm_page_section_of(page, c);
    char here[JEBM_ID_TEXT], there[JEBM_ID_TEXT], label[JEBM_NUMBER_TEXT];
    measured m;
    jebm_page_measured(j, &m);
    jebm_html_put(out,
                  "<tr id=\"%s\" data-origin=\"%s\" data-verdict=\"%s\" data-figure=\"%s\" "
                  "data-fidelity=\"%s\"><th scope=\"row\"><a href=\"#%s\">%s</a>",
                  jebm_html_id("row-", c->id, here), jebm_origin_names[jebm_origin_of(c)],
                  jebm_outcome_looks[o].class, section, c->fidelity,
                  jebm_html_id("claim-", c->id, there), c->says);
    jebm_page_mark_ours(out, c);
    jebm_page_mark_after(out, c);
    jebm_html_put(out,
                  "<code class=\"id\">%s</code></th><td data-label=\"Figure\">%s</td>"
                  "<td data-label=\"Fidelity\">%s</td><td data-label=\"Verdict\" "
                  "data-sort=\"%zu\">",
                  c->id, jebm_page_figure_label(section, label), c->fidelity, (size_t)o);
    jebm_page_badge(out, o);
    if (o == OUTCOME_NOT_RUN) {
        jebm_html_put(out, "<span class=\"reason\">%s</span>", j->reason);
    }
    fputs("</td><td class=\"number\" data-label=\"Mean\"", out);
    put_sortable(out, j->interval.mean);
    jebm_html_put(out, ">%s</td><td class=\"number\" data-label=\"95 %% interval\"", m.mean);
    put_sortable(out, j->interval.low);
    jebm_html_put(out, ">%s</td><td class=\"%s\" data-label=\"Holds if\"", m.interval,
                  j->has_region ? "number" : "formula");
    put_sortable(out, !j->has_region ? NAN : isinf(j->region.low) ? j->region.high : j->region.low);
    jebm_html_put(out, ">%s</td></tr>\n", m.region);
}

void jebm_page_claims(FILE *out, const jebm_page *page) {
    fputs("<section id=\"claims\" aria-labelledby=\"claims-title\">\n"
          "<h2 id=\"claims-title\">All claims</h2>\n",
          out);
    put_filters(out, page);
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"claims-title\">"
          "<table id=\"claims-table\" class=\"claims cards\">\n"
          "<caption>Each claim links to its figure, where its tolerance is explained</caption>\n"
          "<thead><tr><th scope=\"col\">Claim</th><th scope=\"col\">Figure</th>"
          "<th scope=\"col\">Fidelity</th><th scope=\"col\">Verdict</th>"
          "<th scope=\"col\" class=\"number\">Mean</th>"
          "<th scope=\"col\" class=\"number\">95 % interval</th>"
          "<th scope=\"col\" class=\"number\">Holds if</th></tr></thead>\n<tbody>\n",
          out);
    for (size_t i = 0; i < page->n; i++) {
        put_claim_row(out, page, &page->list[i]);
    }
    fputs("</tbody></table></div>\n</section>\n", out);
}
