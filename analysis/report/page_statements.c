/* The statements about a figure, what was measured for each, and the interval over the region.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLOT_WIDTH = 200, PLOT_HEIGHT = 20, PLOT_MARGIN = 6 };

typedef struct axis {
    double low, high;
} axis;

static void stretch(axis *a, double x) {
    if (isfinite(x)) {
        a->low = fmin(a->low, x);
        a->high = fmax(a->high, x);
    }
}

/* one axis for all claims that share a statement, so that they can be compared by eye */
static axis axis_of(const jebm_judgement *list, size_t n) {
    axis a = {INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        const jebm_judgement *j = &list[i];
        stretch(&a, j->interval.mean);
        stretch(&a, j->interval.low);
        stretch(&a, j->interval.high);
        if (j->has_region) {
            stretch(&a, j->region.low);
            stretch(&a, j->region.high);
        }
    }
    const double pad = a.high > a.low ? 0.06 * (a.high - a.low) : fmax(fabs(a.low), 1e-300);
    return (axis){a.low - pad, a.high + pad};
}

static double position(const axis *a, double x) {
    const double width = PLOT_WIDTH - 2.0 * PLOT_MARGIN;
    const double share = isinf(x) ? (x < 0 ? 0 : 1) : (x - a->low) / (a->high - a->low);
    return PLOT_MARGIN + width * fmin(fmax(share, 0), 1);
}

/* the interval over the region; its numbers stand beside it, so it is hidden from screen readers */
static void put_plot(FILE *out, const jebm_judgement *j, const axis *a) {
    if (j->interval.n == 0 || !(a->high > a->low)) {
        return;
    }
    const double middle = 0.5 * PLOT_HEIGHT;
    fprintf(out,
            "<svg class=\"plot v-%s\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\" "
            "focusable=\"false\">",
            jebm_outcome_looks[jebm_outcome_of(j)].class, PLOT_WIDTH, PLOT_HEIGHT);
    if (j->has_region) {
        const double low = position(a, j->region.low), high = position(a, j->region.high);
        fprintf(out, "<rect class=\"demanded\" x=\"%.1f\" y=\"1\" width=\"%.1f\" height=\"%d\"/>",
                low, fmax(high - low, 1), PLOT_HEIGHT - 2);
    }
    fprintf(out, "<line class=\"rule\" x1=\"%d\" y1=\"%.0f\" x2=\"%d\" y2=\"%.0f\"/>", PLOT_MARGIN,
            middle, PLOT_WIDTH - PLOT_MARGIN, middle);
    if (j->interval.n > 1) {
        fprintf(out, "<line class=\"interval\" x1=\"%.1f\" y1=\"%.0f\" x2=\"%.1f\" y2=\"%.0f\"/>",
                position(a, j->interval.low), middle, position(a, j->interval.high), middle);
    }
    fprintf(out, "<circle class=\"mean\" cx=\"%.1f\" cy=\"%.0f\" r=\"4\"/></svg>",
            position(a, j->interval.mean), middle);
}

/* to the drawing of the runs that it was judged by; the script shows the curve of its quantity */
static void put_panel_link(FILE *out, const jebm_page *page, const jebm_judgement *j) {
    const char *section = jebm_page_section_of(page, j->claim);
    const span s = jebm_page_runs(page, section);
    for (size_t i = 0; i < s.n; i++) {
        const jebm_stored_run *run = &s.runs[i];
        const char *quantity =
            run->summary != NULL ? jebm_page_quantity(run->summary, j->claim) : NULL;
        if (run->other || strcmp(run->fidelity, j->claim->fidelity) != 0 || quantity == NULL) {
            continue;
        }
        char id[JEBM_ID_TEXT], curves[JEBM_ID_TEXT];
        jebm_html_put(
            out,
            "<a class=\"panel\" href=\"#%s\" data-curves=\"%s\" data-run=\"%s\" "
            "data-quantity=\"%s\" aria-label=\"The curve of %s\">curve</a> ",
            jebm_page_has_drawing(run, section) ? jebm_page_drawing_id(section, run->fidelity, id)
                                                : jebm_html_id("figure-", section, id),
            jebm_html_id("curves-", section, curves), run->fidelity, quantity, j->claim->id);
        return;
    }
}

static void put_measurement(FILE *out, const jebm_page *page, const jebm_judgement *j,
                            const axis *a) {
    const jebm_claim *c = j->claim;
    char here[JEBM_ID_TEXT], row[JEBM_ID_TEXT];
    measured m;
    jebm_page_measured(j, &m);
    const bool variant = c->variant[0] != '\0' && strcmp(c->variant, "-") != 0;
    jebm_html_put(out,
                  "<tr id=\"%s\"><td data-label=\"Fidelity\">%s</td><td data-label=\"Variant\">%s"
                  "</td><td data-label=\"Verdict\">",
                  jebm_html_id("claim-", c->id, here), c->fidelity,
                  variant          ? c->variant
                  : c->nacross > 0 ? "all"
                                   : "\xE2\x80\x93");
    jebm_page_badge(out, jebm_outcome_of(j));
    if (j->reason[0] != '\0') {
        jebm_html_put(out, "<span class=\"reason\">%s</span>", j->reason);
    }
    jebm_html_put(out,
                  "</td><td class=\"number\" data-label=\"Mean\">%s</td>"
                  "<td class=\"number\" data-label=\"95 %% interval\">%s</td>"
                  "<td class=\"%s\" data-label=\"Holds if\">%s</td><td class=\"picture\">",
                  m.mean, m.interval, j->has_region ? "number" : "formula", m.region);
    put_plot(out, j, a);
    fputs("</td><td class=\"back\">", out);
    put_panel_link(out, page, j);
    jebm_html_put(out,
                  "<a href=\"#%s\" aria-label=\"%s in the table of all claims\">\xE2\x86\x91</a>"
                  "</td></tr>\n",
                  jebm_html_id("row-", c->id, row), c->id);
}

/* claims [first, first + n) of a section of the claims file: one statement */
static void put_statement(FILE *out, const jebm_page *page, const jebm_judgement *first, size_t n) {
    const jebm_claim *c = first->claim;
    const axis a = axis_of(first, n);
    char id[JEBM_ID_TEXT];
    jebm_html_put(out,
                  "<tbody id=\"%s\"><tr class=\"statement\"><th scope=\"rowgroup\" colspan=\"8\">"
                  "<span class=\"says\">%s",
                  jebm_html_id("statement-", c->section, id), c->says);
    jebm_page_mark_after(out, c);
    jebm_html_put(out,
                  "</span><span class=\"origin\">%s &middot; %s &middot; measured: "
                  "<code>%s</code>, demanded: <code>%s</code></span>",
                  c->source, jebm_claim_kind_text(c->kind), c->quantity, c->predicate);
    if (c->note != NULL) {
        jebm_html_put(out, "<span class=\"note\">%s</span>", c->note);
    }
    fputs("</th></tr>\n", out);
    for (size_t i = 0; i < n; i++) {
        put_measurement(out, page, &first[i], &a);
    }
    fputs("</tbody>\n", out);
}

static void put_statements_of(FILE *out, const jebm_page *page, origin whose, const char *section) {
    char id[JEBM_ID_TEXT];
    jebm_html_put(out, "<h3>%s</h3>\n",
                  whose == ORIGIN_PAPER ? "What the paper says, and our numbers"
                                        : "What we say ourselves, and our numbers");
    jebm_html_put(out,
                  "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"%s\">"
                  "<table class=\"statements cards\">\n<caption>Means over the runs with 95 %% "
                  "intervals. In the pictures the band is the region demanded, the bar the "
                  "interval, the dot the mean</caption>\n",
                  jebm_html_id("title-", section, id));
    fputs("<thead><tr><th scope=\"col\">Fidelity</th><th scope=\"col\">Variant</th>"
          "<th scope=\"col\">Verdict</th><th scope=\"col\" class=\"number\">Mean</th>"
          "<th scope=\"col\" class=\"number\">95 % interval</th>"
          "<th scope=\"col\" class=\"number\">Holds if</th><th scope=\"col\">Picture</th>"
          "<th scope=\"col\"><span class=\"quiet\">Links</span></th></tr></thead>\n",
          out);
    for (size_t i = 0; i < page->n;) {
        const jebm_claim *c = page->list[i].claim;
        size_t n = 1;
        while (i + n < page->n && strcmp(page->list[i + n].claim->section, c->section) == 0) {
            n++;
        }
        if (jebm_origin_of(c) == whose && strcmp(jebm_page_section_of(page, c), section) == 0) {
            put_statement(out, page, &page->list[i], n);
        }
        i += n;
    }
    fputs("</table></div>\n", out);
}

void jebm_page_statements(FILE *out, const jebm_page *page, const char *section) {
    if (!jebm_page_is_claimed(page, section)) {
        fputs("<h3>What the paper says, and our numbers</h3>\n"
              "<p>No claim is about this figure.</p>\n",
              out);
    }
    for (size_t w = 0; w < NORIGINS; w++) {
        if (jebm_page_tally(page, (origin)w, section, NULL).total > 0) {
            put_statements_of(out, page, (origin)w, section);
        }
    }
}
