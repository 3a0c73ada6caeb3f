/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include "app/share.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const outcome_look jebm_page_looks[NOUTCOMES] = {
#define JEBM_X(code, class, text, sign, meaning) {class, text, sign, meaning},
    JEBM_OUTCOME_LIST(JEBM_X)
#undef JEBM_X
};

/* ---- what the parts share ---- */

outcome jebm_page_outcome(const jebm_judgement *j) {
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

void jebm_page_badge(FILE *out, outcome o) {
    const outcome_look *look = &jebm_page_looks[o];
    jebm_html_put(out, "<span class=\"badge v-%s\"><span aria-hidden=\"true\">%s</span> %s</span>",
                  look->class, look->sign, look->text);
}

static bool is_of(const jebm_judgement *j, const char *figure, const char *fidelity) {
    return (figure == NULL || strcmp(j->claim->figure, figure) == 0) &&
           (fidelity == NULL || strcmp(j->claim->fidelity, fidelity) == 0);
}

tally jebm_page_tally(const jebm_page *page, const char *figure, const char *fidelity) {
    tally t = {0};
    for (size_t i = 0; i < page->n; i++) {
        if (is_of(&page->list[i], figure, fidelity)) {
            const outcome o = jebm_page_outcome(&page->list[i]);
            t.counts[o]++;
            t.total++;
            t.hold += o <= OUTCOME_SCALED_HOLDS;
        }
    }
    return t;
}

/* each part of the bar is a link that the script turns into a filter of the table of claims */
void jebm_page_bar(FILE *out, const tally *t, const char *figure, const char *fidelity) {
    fputs("<span class=\"bar\">", out);
    for (size_t o = 0; o < NOUTCOMES; o++) {
        const outcome_look *look = &jebm_page_looks[o];
        if (t->counts[o] == 0) {
            continue;
        }
        jebm_html_put(out,
                      "<a class=\"part v-%s\" style=\"flex-grow:%zu\" href=\"#claims\" "
                      "data-verdict=\"%s\"",
                      look->class, t->counts[o], look->class);
        if (figure != NULL) {
            jebm_html_put(out, " data-figure=\"%s\"", figure);
        }
        if (fidelity != NULL) {
            jebm_html_put(out, " data-fidelity=\"%s\"", fidelity);
        }
        jebm_html_put(out, " title=\"%zu %s\">%zu<span class=\"quiet\"> %s</span></a>",
                      t->counts[o], look->text, t->counts[o], look->text);
    }
    fputs("</span>", out);
}

const char *jebm_page_figure_label(const char *name, char text[JEBM_NUMBER_TEXT]) {
    const size_t digits = strncmp(name, "fig", 3) == 0 ? strspn(name + 3, "0123456789") : 0;
    if (digits > 0 && name[3 + digits] == '\0' && digits < 9) {
        snprintf(text, JEBM_NUMBER_TEXT, "Figure %ld", strtol(name + 3, NULL, 10));
    } else {
        snprintf(text, JEBM_NUMBER_TEXT, "%.60s", name);
    }
    return text;
}

const char *jebm_page_fidelity_meaning(const char *fidelity) {
    return strcmp(fidelity, "paper") == 0  ? "as the text prints it"
           : strcmp(fidelity, "code") == 0 ? "as the authors\xE2\x80\x99 released script has it"
                                           : "";
}

void jebm_page_measured(const jebm_judgement *j, measured *m) {
    const jebm_interval *i = &j->interval;
    char low[JEBM_NUMBER_TEXT], high[JEBM_NUMBER_TEXT];
    const double half = i->n > 1 ? 0.5 * (i->high - i->low) : 0;
    jebm_number_text(i->mean, half, m->mean);
    snprintf(m->interval, sizeof m->interval, "\xE2\x80\x93");
    if (i->n > 1) {
        snprintf(m->interval, sizeof m->interval, "%s to %s", jebm_number_text(i->low, half, low),
                 jebm_number_text(i->high, half, high));
    } else if (i->n == 1) {
        snprintf(m->interval, sizeof m->interval, "one run");
    }
    const jebm_region *r = &j->region;
    if (!j->has_region) {
        snprintf(m->region, sizeof m->region, "%.180s", j->claim->predicate);
    } else if (isinf(r->low) || isinf(r->high)) {
        const bool below = isinf(r->low);
        snprintf(m->region, sizeof m->region, "%c %s", below ? '<' : '>',
                 jebm_number_text(below ? r->high : r->low, 0, high));
    } else {
        snprintf(m->region, sizeof m->region, "%s to %s", jebm_number_text(r->low, 0, low),
                 jebm_number_text(r->high, 0, high));
    }
}

const char *jebm_page_text(const json_t *object, const char *key, const char *inner) {
    static char number[JEBM_NUMBER_TEXT];
    const json_t *value = json_object_get(object, key);
    if (inner != NULL) {
        value = json_object_get(value, inner);
    }
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        return number;
    }
    return json_is_string(value) ? json_string_value(value) : "";
}

void jebm_page_shell_word(FILE *out, const char *word) {
    static const char safe[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+./:,@%";
    if (*word != '\0' && word[strspn(word, safe)] == '\0') {
        jebm_html_text(out, word);
        return;
    }
    fputs("&#39;", out);
    for (const char *at = word; *at != '\0';) {
        char piece[256];
        const size_t n = strcspn(at, "'");
        const int length = (int)(n < sizeof piece ? n : sizeof piece - 1);
        snprintf(piece, sizeof piece, "%.*s", length, at);
        jebm_html_text(out, piece);
        at += length;
        if (*at == '\'') {
            fputs("&#39;\\&#39;&#39;", out);
            at++;
        }
    }
    fputs("&#39;", out);
}

bool jebm_page_belongs(const jebm_loose_drawing *d, const char *figure) {
    const size_t n = strlen(figure);
    return strncmp(d->drawing.name, figure, n) == 0 &&
           (d->drawing.name[n] == '-' || d->drawing.name[n] == '\0');
}

/* ---- distinct values, in order of appearance ---- */

typedef struct words {
    const char **list;
    size_t n;
} words;

/* Out of memory, a word less is shown. */
static void add_word(words *all, const char *word) {
    for (size_t i = 0; i < all->n; i++) {
        if (strcmp(all->list[i], word) == 0) {
            return;
        }
    }
    const char **list = realloc(all->list, (all->n + 1) * sizeof *list);
    if (list != NULL) {
        all->list = list;
        all->list[all->n++] = word;
    }
}

static words claimed_fidelities(const jebm_page *page) {
    words all = {0};
    for (size_t i = 0; i < page->n; i++) {
        add_word(&all, page->list[i].claim->fidelity);
    }
    return all;
}

static bool is_claimed(const jebm_page *page, const char *figure) {
    return jebm_page_tally(page, figure, NULL).total > 0;
}

static bool is_run(const jebm_page *page, const char *figure) {
    const jebm_catalogue *c = page->catalogue;
    for (size_t i = 0; i < c->nruns; i++) {
        if (strcmp(c->runs[i].figure, figure) == 0) {
            return true;
        }
    }
    return false;
}

bool jebm_page_has_section(const jebm_page *page, const char *figure) {
    return is_run(page, figure) || is_claimed(page, figure);
}

/* ---- head ---- */

/* separator: HTML */
static void put_words(FILE *out, const words *all, const char *separator) {
    for (size_t i = 0; i < all->n; i++) {
        fputs(i > 0 ? separator : "", out);
        jebm_html_text(out, all->list[i]);
    }
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_facts(FILE *out, const jebm_page *page) {
    const jebm_catalogue *c = page->catalogue;
    words scales = {0}, machines = {0}, days = {0};
    for (size_t i = 0; i < c->nruns; i++) {
        const json_t *m = c->runs[i].manifest;
        add_word(&scales, c->runs[i].scale);
        const char *cpu = jebm_page_text(m, "environment", "cpu");
        const char *day = jebm_page_text(m, "finished", NULL);
        if (*cpu != '\0') {
            add_word(&machines, cpu);
        }
        if (*day != '\0') {
            add_word(&days, day);
        }
    }
    fputs("<dl class=\"facts\">\n<div><dt>Scale</dt><dd>", out);
    put_words(out, &scales, ", ");
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
    put_words(out, &machines, "; ");
    fputs("</dd></div>\n</dl>\n", out);
    free(scales.list);
    free(machines.list);
    free(days.list);
}

static void put_navigation(FILE *out, const jebm_page *page) {
    fputs("<nav class=\"bar-nav\" aria-label=\"Sections\"><ul>\n"
          "<li><a href=\"#summary\">Summary</a></li>\n<li><a href=\"#claims\">Claims</a></li>\n",
          out);
    for (size_t i = 0; i < page->catalogue->nfigures; i++) {
        const char *name = page->catalogue->figures[i].name;
        char id[JEBM_ID_TEXT], label[JEBM_NUMBER_TEXT];
        if (jebm_page_has_section(page, name)) {
            jebm_html_put(out, "<li><a href=\"#%s\">%s</a></li>\n",
                          jebm_html_id("figure-", name, id), jebm_page_figure_label(name, label));
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

/* ---- summary ---- */

static void put_sentence(FILE *out, const tally *t) {
    jebm_html_put(out, "<p>%zu of %zu claims hold", t->hold, t->total);
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
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        const size_t count = t->counts[rest[i].o];
        if (count > 0) {
            jebm_html_put(out, ", %zu %s", count, count == 1 ? rest[i].one : rest[i].many);
        }
    }
    fputs(".</p>\n", out);
}

static void put_by_figure(FILE *out, const jebm_page *page, const words *fidelities) {
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Verdicts by figure\">"
          "<table class=\"matrix\">\n<caption>By figure: how many claims have which verdict"
          "</caption>\n<thead><tr><th scope=\"col\">Figure</th>",
          out);
    for (size_t f = 0; f < fidelities->n; f++) {
        jebm_html_put(out, "<th scope=\"col\">%s</th>", fidelities->list[f]);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < page->catalogue->nfigures; i++) {
        const jebm_known_figure *figure = &page->catalogue->figures[i];
        char id[JEBM_ID_TEXT], label[JEBM_NUMBER_TEXT];
        if (!is_claimed(page, figure->name)) {
            continue;
        }
        jebm_html_put(out, "<tr><th scope=\"row\"><a href=\"#%s\">%s</a></th>",
                      jebm_html_id("figure-", figure->name, id),
                      jebm_page_figure_label(figure->name, label));
        for (size_t f = 0; f < fidelities->n; f++) {
            const tally t = jebm_page_tally(page, figure->name, fidelities->list[f]);
            fputs("<td>", out);
            if (t.total > 0) {
                jebm_page_bar(out, &t, figure->name, fidelities->list[f]);
            }
            fputs("</td>", out);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void put_unrun(FILE *out, const jebm_page *page) {
    bool any = false;
    for (size_t i = 0; i < page->catalogue->nfigures; i++) {
        const jebm_known_figure *figure = &page->catalogue->figures[i];
        char label[JEBM_NUMBER_TEXT];
        if (is_run(page, figure->name)) {
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

static void put_summary(FILE *out, const jebm_page *page) {
    words fidelities = claimed_fidelities(page);
    const tally all = jebm_page_tally(page, NULL, NULL);
    fputs("<section id=\"summary\" aria-labelledby=\"summary-title\">\n"
          "<h2 id=\"summary-title\">Summary of verdicts</h2>\n<div class=\"fidelities\">\n",
          out);
    for (size_t f = 0; f < fidelities.n; f++) {
        const tally t = jebm_page_tally(page, NULL, fidelities.list[f]);
        jebm_html_put(out, "<div class=\"card\"><h3>%s <span class=\"soft\">%s</span></h3>\n",
                      fidelities.list[f], jebm_page_fidelity_meaning(fidelities.list[f]));
        jebm_page_bar(out, &t, NULL, fidelities.list[f]);
        put_sentence(out, &t);
        fputs("</div>\n", out);
    }
    fputs("</div>\n<ul class=\"legend\" aria-label=\"Verdicts, their number and meaning\">\n", out);
    for (size_t o = 0; o < NOUTCOMES; o++) {
        if (all.counts[o] > 0) {
            const outcome_look *look = &jebm_page_looks[o];
            jebm_html_put(out, "<li><a href=\"#claims\" data-verdict=\"%s\">", look->class);
            jebm_page_badge(out, (outcome)o);
            jebm_html_put(out, "<strong>%zu</strong></a> <span>%s</span></li>\n", all.counts[o],
                          look->meaning);
        }
    }
    fputs("</ul>\n", out);
    if (page->n > 0) {
        put_by_figure(out, page, &fidelities);
    }
    put_unrun(out, page);
    fputs("</section>\n", out);
    free(fidelities.list);
}

/* ---- table of claims ---- */

static void put_choice(FILE *out, const char *id, const char *label, const words *values,
                       const words *texts) {
    jebm_html_put(out,
                  "<div><label for=\"filter-%s\">%s</label><select id=\"filter-%s\">"
                  "<option value=\"\">all</option>",
                  id, label, id);
    for (size_t i = 0; i < values->n; i++) {
        jebm_html_put(out, "<option value=\"%s\">%s</option>", values->list[i], texts->list[i]);
    }
    fputs("</select></div>\n", out);
}

static void put_filters(FILE *out, const jebm_page *page) {
    words verdicts = {0}, texts = {0}, figures = {0}, fidelities = claimed_fidelities(page);
    const tally all = jebm_page_tally(page, NULL, NULL);
    for (size_t o = 0; o < NOUTCOMES; o++) {
        if (all.counts[o] > 0) {
            add_word(&verdicts, jebm_page_looks[o].class);
            add_word(&texts, jebm_page_looks[o].text);
        }
    }
    for (size_t i = 0; i < page->catalogue->nfigures; i++) {
        if (is_claimed(page, page->catalogue->figures[i].name)) {
            add_word(&figures, page->catalogue->figures[i].name);
        }
    }
    fputs("<form id=\"filters\" class=\"filters\" hidden>\n", out);
    put_choice(out, "verdict", "Verdict", &verdicts, &texts);
    put_choice(out, "figure", "Figure", &figures, &figures);
    put_choice(out, "fidelity", "Fidelity", &fidelities, &fidelities);
    fputs("<div class=\"grow\"><label for=\"filter-text\">Words</label>"
          "<input id=\"filter-text\" type=\"search\" autocomplete=\"off\" "
          "placeholder=\"PCD, threshold, divergence\"></div>\n"
          "<div class=\"narrow\"><label for=\"sort-by\">Sort by</label><select id=\"sort-by\">"
          "</select></div>\n"
          "<div><button type=\"reset\">Show all</button></div>\n</form>\n"
          "<p id=\"count\" class=\"count\" role=\"status\"></p>\n",
          out);
    free(verdicts.list);
    free(texts.list);
    free(figures.list);
    free(fidelities.list);
}

static void put_sortable(FILE *out, double x) {
    if (isfinite(x)) {
        fprintf(out, " data-sort=\"%.17g\"", x);
    } else {
        fputs(" data-sort=\"\"", out);
    }
}

static void put_claim_row(FILE *out, const jebm_judgement *j) {
    const jebm_claim *c = j->claim;
    const outcome o = jebm_page_outcome(j);
    char here[JEBM_ID_TEXT], there[JEBM_ID_TEXT];
    measured m;
    jebm_page_measured(j, &m);
    jebm_html_put(out,
                  "<tr id=\"%s\" data-verdict=\"%s\" data-figure=\"%s\" data-fidelity=\"%s\">"
                  "<th scope=\"row\"><a href=\"#%s\">%s</a><code class=\"id\">%s</code></th>"
                  "<td data-label=\"Figure\">%s</td><td data-label=\"Fidelity\">%s</td>"
                  "<td data-label=\"Verdict\" data-sort=\"%zu\">",
                  jebm_html_id("row-", c->id, here), jebm_page_looks[o].class, c->figure,
                  c->fidelity, jebm_html_id("claim-", c->id, there), c->says, c->id, c->figure,
                  c->fidelity, (size_t)o);
    jebm_page_badge(out, o);
    fputs("</td><td class=\"number\" data-label=\"Mean\"", out);
    put_sortable(out, j->interval.mean);
    jebm_html_put(out, ">%s</td><td class=\"number\" data-label=\"95 %% interval\"", m.mean);
    put_sortable(out, j->interval.low);
    jebm_html_put(out, ">%s</td><td class=\"%s\" data-label=\"Holds if\"", m.interval,
                  j->has_region ? "number" : "formula");
    put_sortable(out, !j->has_region ? NAN : isinf(j->region.low) ? j->region.high : j->region.low);
    jebm_html_put(out, ">%s</td></tr>\n", m.region);
}

static void put_claims(FILE *out, const jebm_page *page) {
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
        put_claim_row(out, &page->list[i]);
    }
    fputs("</tbody></table></div>\n</section>\n", out);
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
        jebm_page_drawing(out, d, d->name, d->name, d->file);
    }
    fputs(any ? "</div>\n</section>\n" : "", out);
}

/* ---- how to reproduce ---- */

static void put_command(FILE *out, const jebm_stored_run *run) {
    const json_t *m = run->manifest;
    jebm_page_shell_word(out, jebm_page_text(m, "program", NULL));
    fputs(" ", out);
    jebm_page_shell_word(out, run->figure);
    fputs(" --scale ", out);
    jebm_page_shell_word(out, run->scale);
    fputs(" --fidelity ", out);
    jebm_page_shell_word(out, jebm_page_text(m, "fidelity", NULL));
    fputs(" --seed ", out);
    jebm_page_shell_word(out, jebm_page_text(m, "seed", NULL));
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(m, "overrides"), i, entry) {
        if (json_is_string(entry)) {
            fputs(" --set ", out);
            jebm_page_shell_word(out, json_string_value(entry));
        }
    }
    char *directory = jebm_format("results/runs/%s/%s", run->scale, run->fidelity);
    if (run->other && directory != NULL) {
        fputs(" --out ", out);
        jebm_page_shell_word(out, directory);
    }
    free(directory);
    fputs("\n", out);
}

/* revision, compiler and libraries of the runs, each combination once */
static void put_versions(FILE *out, const jebm_page *page) {
    const jebm_catalogue *c = page->catalogue;
    words revisions = {0}, compilers = {0}, isas = {0};
    for (size_t i = 0; i < c->nruns; i++) {
        const json_t *m = c->runs[i].manifest;
        add_word(&revisions, jebm_page_text(m, "environment", "git_revision"));
        add_word(&compilers, jebm_page_text(m, "environment", "compiler"));
        add_word(&isas, jebm_page_text(m, "environment", "isa"));
    }
    fputs("<dl class=\"facts\">\n<div><dt>Report by</dt><dd>jebm-report " JEBM_VERSION "</dd></div>"
          "\n<div><dt>Revisions of the runs</dt><dd><code>",
          out);
    put_words(out, &revisions, "</code>, <code>");
    fputs("</code></dd></div>\n<div><dt>Compiler</dt><dd>", out);
    put_words(out, &compilers, ", ");
    fputs("</dd></div>\n<div><dt>Instruction set</dt><dd>", out);
    put_words(out, &isas, ", ");
    const json_t *libraries =
        json_object_get(json_object_get(c->runs[0].manifest, "environment"), "libraries");
    fputs("</dd></div>\n<div><dt>Libraries</dt><dd>", out);
    const char *name, *separator = "";
    json_t *version;
    json_object_foreach((json_t *)libraries, name, version) {
        jebm_html_put(out, "%s%s %s", separator, name,
                      json_is_string(version) ? json_string_value(version) : "");
        separator = ", ";
    }
    fputs("</dd></div>\n</dl>\n", out);
    free(revisions.list);
    free(compilers.list);
    free(isas.list);
}

static void put_reproduce(FILE *out, const jebm_page *page) {
    const jebm_catalogue *c = page->catalogue;
    fputs("<section id=\"reproduce\" aria-labelledby=\"reproduce-title\">\n"
          "<h2 id=\"reproduce-title\">How to reproduce this</h2>\n"
          "<p>In a checkout of jebm at the revision below, one command installs what is missing, "
          "builds, runs, draws and judges:</p>\n<pre><code>",
          out);
    words scales = {0};
    for (size_t i = 0; i < c->nruns; i++) {
        add_word(&scales, c->runs[i].scale);
    }
    for (size_t i = 0; i < scales.n; i++) {
        jebm_html_put(out, "./reproduce --scale %s\n", scales.list[i]);
    }
    free(scales.list);
    fputs("</code></pre>\n<p>Or figure by figure, from the manifests of the runs shown "
          "here:</p>\n<pre><code>",
          out);
    for (size_t i = 0; i < c->nruns; i++) {
        put_command(out, &c->runs[i]);
    }
    fputs(
        "</code></pre>\n<p>The CSVs come out the same to the byte for any number of threads and "
        "after an interruption; between instruction sets they agree to rounding.</p>\n"
        "<h3>How verdicts are made</h3>\n"
        "<p>Each claim names one number a run and a region for its mean, set from what the "
        "sentence or the figure means before looking at a run. The mean over the independent runs "
        "has a 95 % interval (Student\xE2\x80\x99s t over runs). Inside the region it is "
        "<em>within</em>, or <em>exact</em> for a closed form; apart from it, it "
        "<em>deviates</em>; across its edge, or with one run only, it is <em>underpowered</em>. "
        "A run that diverged is left out, and then the claim cannot be shown to hold. Below the "
        "published size, or with settings other than the preset\xE2\x80\x99s, the verdict is "
        "<em>scaled</em> and says only where it points. The verdicts on this page were made "
        "with it, by the code of <code>jebm-check</code>, from the CSVs that the manifests "
        "name.</p>\n<h3>Versions</h3>\n",
        out);
    put_versions(out, page);
    fputs("</section>\n", out);
}

void jebm_page_put(FILE *out, const jebm_page *page) {
    put_head(out, page);
    put_summary(out, page);
    put_claims(out, page);
    for (size_t i = 0; i < page->catalogue->nfigures; i++) {
        const jebm_known_figure *figure = &page->catalogue->figures[i];
        if (jebm_page_has_section(page, figure->name)) {
            jebm_page_figure(out, page, figure);
        }
    }
    put_other_drawings(out, page);
    put_reproduce(out, page);
    fputs("</main>\n<dialog id=\"zoom\" aria-label=\"Drawing, enlarged\">"
          "<button type=\"button\" id=\"zoom-close\">Close</button>"
          "<div class=\"zoom-place\" tabindex=\"0\"></div></dialog>\n"
          "<footer><p>jebm-report " JEBM_VERSION ", GPL-3.0-or-later. This page needs no "
          "network.</p></footer>\n<script>\n",
          out);
    fputs(page->script, out);
    fputs("</script>\n</body>\n</html>\n", out);
}
