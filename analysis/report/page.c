/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include "app/share.h"

#include <stdlib.h>
#include <string.h>

/* ---- head ---- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_facts(FILE *out, const jebm_page *page) {
    const jebm_catalogue *c = page->catalogue;
    jebm_words scales = jebm_page_scales(page), machines = {0}, days = {0};
    for (size_t i = 0; i < c->nruns; i++) {
        const json_t *m = c->runs[i].manifest;
        const char *cpu = jebm_page_text(m, "environment", "cpu");
        const char *day = jebm_page_text(m, "finished", NULL);
        if (*cpu != '\0') {
            jebm_words_add(&machines, cpu);
        }
        if (*day != '\0') {
            jebm_words_add(&days, day);
        }
    }
    fputs("<dl class=\"facts\">\n<div><dt>Scale</dt><dd>", out);
    jebm_words_put(out, &scales, ", ");
    fputs("</dd></div>\n<div><dt>Data of</dt><dd>", out);
    if (days.n > 0) {
        qsort(days.list, days.n, sizeof *days.list, by_text);
        char first[11], last[11];
        snprintf(first, sizeof first, "%.10s", days.list[0]);
        snprintf(last, sizeof last, "%.10s", days.list[days.n - 1]);
        jebm_html_put(out, "%s%s%s", first, strcmp(first, last) != 0 ? " to " : "",
                      strcmp(first, last) != 0 ? last : "");
    }
    fputs("</dd></div>\n<div><dt>Machine</dt><dd>", out);
    jebm_words_put(out, &machines, "; ");
    fputs("</dd></div>\n</dl>\n", out);
    free(scales.list);
    free(machines.list);
    free(days.list);
}

static void put_navigation(FILE *out, const jebm_page *page) {
    fputs("<nav class=\"bar-nav\" aria-label=\"Sections\"><ul>\n"
          "<li><a href=\"#conclusion\">Conclusion</a></li>\n"
          "<li><a href=\"#summary\">Verdicts</a></li>\n<li><a href=\"#claims\">Claims</a></li>\n",
          out);
    for (size_t i = 0; i < page->catalogue->nfigures; i++) {
        const char *name = page->catalogue->figures[i].name;
        if (jebm_page_has_section(page, name)) {
            fputs("<li>", out);
            jebm_page_figure_link(out, name);
            fputs("</li>\n", out);
        }
    }
    fputs("<li><a href=\"#reproduce\">Reproduce</a></li>\n</ul></nav>\n", out);
}

static void put_head(FILE *out, const jebm_page *page) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta name=\"generator\" content=\"jebm-report " JEBM_VERSION "\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n"
          "<title>jebm: what the paper claims, and what comes out</title>\n<style>\n",
          out);
    fputs(page->style, out);
    fputs(
        "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the results</a>\n"
        "<header class=\"top\">\n<p class=\"eyebrow\">jebm report</p>\n"
        "<h1>What the paper claims, and what comes out</h1>\n"
        "<p class=\"lead\">A replication of <cite>Efficient Training of Energy-Based Models Using "
        "Jarzynski Equality</cite> (Carbone, Hua, Coste, Vanden-Eijnden; NeurIPS 2023; "
        "<a href=\"https://arxiv.org/abs/2305.19414\">arXiv:2305.19414</a>). Its figures were run "
        "again, and each of its statements is judged from the numbers.</p>\n",
        out);
    put_facts(out, page);
    fputs("</header>\n", out);
    put_navigation(out, page);
    fputs("<main id=\"main\" tabindex=\"-1\">\n", out);
}

/* ---- drawings that belong to no figure ---- */

static void put_other_drawings(FILE *out, const jebm_page *page) {
    const jebm_catalogue *c = page->catalogue;
    bool any = false;
    for (size_t i = 0; i < c->nloose; i++) {
        bool belongs = false;
        for (size_t f = 0; f < c->nfigures && !belongs; f++) {
            belongs = jebm_page_has_section(page, c->figures[f].name) &&
                      jebm_page_belongs(&c->loose[i], c->figures[f].name);
        }
        if (belongs) {
            continue;
        }
        fputs(any ? ""
                  : "<section id=\"drawings\" aria-labelledby=\"drawings-title\">\n"
                    "<h2 id=\"drawings-title\">Other drawings</h2>\n<div class=\"drawings\">\n",
              out);
        any = true;
        const jebm_drawing *d = &c->loose[i].drawing;
        jebm_page_drawing(out, page, d, NULL, d->name, d->name, d->file);
    }
    fputs(any ? "</div>\n</section>\n" : "", out);
}

/* ---- the page ---- */

void jebm_page_put(FILE *out, const jebm_page *page) {
    put_head(out, page);
    jebm_page_conclusion(out, page);
    jebm_page_summary(out, page);
    jebm_page_claims(out, page);
    for (size_t i = 0; i < page->catalogue->nfigures; i++) {
        const jebm_known_figure *figure = &page->catalogue->figures[i];
        if (jebm_page_has_section(page, figure->name)) {
            jebm_page_figure(out, page, figure);
        }
    }
    put_other_drawings(out, page);
    jebm_page_reproduce(out, page);
    fputs("</main>\n<dialog id=\"zoom\" aria-label=\"Drawing, enlarged\">"
          "<button type=\"button\" id=\"zoom-close\">Close</button>"
          "<div class=\"zoom-place\" tabindex=\"0\"></div></dialog>\n"
          "<footer><p>jebm-report " JEBM_VERSION ", GPL-3.0-or-later. This page needs no "
          "network.</p></footer>\n",
          out);
    for (size_t i = 0; i < JEBM_PAGE_SCRIPTS; i++) {
        fputs("<script>\n", out);
        fputs(page->scripts[i], out);
        fputs("</script>\n", out);
    }
    fputs("</body>\n</html>\n", out);
}
