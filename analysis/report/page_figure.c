/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include "app/share.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the runs of a figure ---- */

/* Those of one figure stand together in the catalogue. */
typedef struct span {
    const jebm_stored_run *runs;
    size_t n;
} span;

static span runs_of(const jebm_page *page, const char *figure) {
    const jebm_catalogue *c = page->catalogue;
    span s = {c->runs, 0};
    for (size_t i = 0; i < c->nruns; i++) {
        if (strcmp(c->runs[i].figure, figure) == 0) {
            s.runs = s.n == 0 ? &c->runs[i] : s.runs;
            s.n++;
        }
    }
    return s;
}

/* ---- drawings ---- */

void jebm_page_drawing(FILE *out, const jebm_drawing *d, const char *alt, const char *caption,
                       const char *detail) {
    jebm_html_put(out, "<figure class=\"drawing\"><div class=\"paper\"><img alt=\"%s\"", alt);
    if (d->width > 0 && d->height > 0) {
        jebm_html_put(out, " width=\"%zu\" height=\"%zu\"", (size_t)d->width, (size_t)d->height);
    }
    jebm_html_put(out, " src=\"data:%s;base64,", d->type);
    jebm_base64_put(out, d->bytes, d->size);
    jebm_html_put(out,
                  "\"></div>\n<figcaption><strong>%s</strong> <span class=\"soft\">%s</span>"
                  "</figcaption></figure>\n",
                  caption, detail);
}

/* what a drawing shows, for its caption and for those who do not see it */
static char *describe(const jebm_stored_run *run, const char *name, const char *title) {
    char label[JEBM_NUMBER_TEXT], runs[JEBM_NUMBER_TEXT];
    const char *walkers = jebm_page_text(run->manifest, "preset", "walkers");
    snprintf(runs, sizeof runs, "%s", jebm_page_text(run->manifest, "runs", NULL));
    return jebm_format("%s%s%s. Scale %s, fidelity %s%s%s%s%s%s",
                       jebm_page_figure_label(name, label), *title != '\0' ? ": " : "", title,
                       run->scale, run->fidelity, *walkers != '\0' ? ", N = " : "", walkers,
                       *runs != '\0' ? ", " : "", runs, *runs != '\0' ? " runs" : "");
}

/* what stands beside the fidelity: its meaning, or what was set otherwise, or the file */
static char *detail_of(const jebm_stored_run *run, const jebm_drawing *d) {
    const char *meaning = jebm_page_fidelity_meaning(run->fidelity);
    const char *override =
        json_string_value(json_array_get(json_object_get(run->manifest, "overrides"), 0));
    if (strcmp(d->name, run->figure) != 0) {
        return jebm_format("%s", d->file);
    }
    if (run->other && override != NULL) {
        return jebm_format("fidelity %s with %s", jebm_page_text(run->manifest, "fidelity", NULL),
                           override);
    }
    return jebm_format("%s", *meaning != '\0' && !run->other ? meaning : d->file);
}

/* a run may have several pictures: those that are not called as its figure say what they are */
static char *caption_of(const jebm_stored_run *run, const jebm_drawing *d) {
    char label[JEBM_NUMBER_TEXT];
    const bool own = strcmp(d->name, run->figure) == 0;
    return jebm_format("%s%s%s%s", own ? "" : jebm_page_figure_label(d->name, label),
                       own ? "" : ", ", run->other ? "Other runs: " : "", run->fidelity);
}

static void put_run_drawings(FILE *out, const jebm_stored_run *run, const char *title) {
    for (size_t k = 0; k < run->ndrawings; k++) {
        const jebm_drawing *d = &run->drawings[k];
        char *alt = describe(run, d->name, title), *caption = caption_of(run, d),
             *detail = detail_of(run, d);
        if (alt != NULL && caption != NULL && detail != NULL) {
            jebm_page_drawing(out, d, alt, caption, detail);
        }
        free(alt);
        free(caption);
        free(detail);
    }
    if (run->ndrawings == 0) {
        jebm_html_put(out, "<p class=\"missing\">%s/%s/%s holds no drawing: %s</p>\n", run->scale,
                      run->fidelity, run->figure,
                      run->complete ? "its numbers stand below" : run->lack);
    }
}

static void put_drawings(FILE *out, const jebm_page *page, const char *figure, span s,
                         const char *title) {
    const jebm_catalogue *c = page->catalogue;
    fputs("<h3>Our drawings</h3>\n<div class=\"drawings\">\n", out);
    for (size_t i = 0; i < s.n; i++) {
        put_run_drawings(out, &s.runs[i], title);
    }
    for (size_t i = 0; i < c->nloose; i++) {
        if (jebm_page_belongs(&c->loose[i], figure)) {
            const jebm_drawing *d = &c->loose[i].drawing;
            char *alt = jebm_format("%s: %s", d->name, title);
            jebm_page_drawing(out, d, alt != NULL ? alt : d->name, d->name, d->file);
            free(alt);
        }
    }
    fputs("</div>\n", out);
}

/* ---- claims ---- */

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
            jebm_page_looks[jebm_page_outcome(j)].class, PLOT_WIDTH, PLOT_HEIGHT);
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

static void put_measurement(FILE *out, const jebm_judgement *j, const axis *a) {
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
    jebm_page_badge(out, jebm_page_outcome(j));
    if (j->reason[0] != '\0') {
        jebm_html_put(out, "<span class=\"reason\">%s</span>", j->reason);
    }
    jebm_html_put(out,
                  "</td><td class=\"number\" data-label=\"Mean\">%s</td>"
                  "<td class=\"number\" data-label=\"95 %% interval\">%s</td>"
                  "<td class=\"%s\" data-label=\"Holds if\">%s</td><td class=\"picture\">",
                  m.mean, m.interval, j->has_region ? "number" : "formula", m.region);
    put_plot(out, j, a);
    jebm_html_put(out,
                  "</td><td class=\"back\"><a href=\"#%s\" aria-label=\"%s in the table of all "
                  "claims\">\xE2\x86\x91</a></td></tr>\n",
                  jebm_html_id("row-", c->id, row), c->id);
}

/* claims [first, first + n) of a section of the claims file: one statement */
static void put_statement(FILE *out, const jebm_judgement *first, size_t n) {
    const jebm_claim *c = first->claim;
    const axis a = axis_of(first, n);
    char id[JEBM_ID_TEXT];
    jebm_html_put(out,
                  "<tbody id=\"%s\"><tr class=\"statement\"><th scope=\"rowgroup\" colspan=\"8\">"
                  "<span class=\"says\">%s</span>"
                  "<span class=\"origin\">%s &middot; %s &middot; measured: <code>%s</code>, "
                  "demanded: <code>%s</code></span>",
                  jebm_html_id("statement-", c->section, id), c->says, c->source,
                  jebm_claim_kind_text(c->kind), c->quantity, c->predicate);
    if (c->note != NULL) {
        jebm_html_put(out, "<span class=\"note\">%s</span>", c->note);
    }
    fputs("</th></tr>\n", out);
    for (size_t i = 0; i < n; i++) {
        put_measurement(out, &first[i], &a);
    }
    fputs("</tbody>\n", out);
}

static void put_statements(FILE *out, const jebm_page *page, const char *figure) {
    fputs("<h3>What the paper says, and our numbers</h3>\n", out);
    if (jebm_page_tally(page, figure, NULL).total == 0) {
        fputs("<p>No claim is about this figure.</p>\n", out);
        return;
    }
    char id[JEBM_ID_TEXT];
    jebm_html_put(out,
                  "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"%s\">"
                  "<table class=\"statements cards\">\n<caption>Means over the runs with 95 %% "
                  "intervals. In the pictures the band is the region demanded, the bar the "
                  "interval, the dot the mean</caption>\n",
                  jebm_html_id("title-", figure, id));
    fputs("<thead><tr><th scope=\"col\">Fidelity</th><th scope=\"col\">Variant</th>"
          "<th scope=\"col\">Verdict</th><th scope=\"col\" class=\"number\">Mean</th>"
          "<th scope=\"col\" class=\"number\">95 % interval</th>"
          "<th scope=\"col\" class=\"number\">Holds if</th><th scope=\"col\">Picture</th>"
          "<th scope=\"col\"><span class=\"quiet\">Link</span></th></tr></thead>\n",
          out);
    for (size_t i = 0; i < page->n;) {
        size_t n = 1;
        while (i + n < page->n &&
               strcmp(page->list[i + n].claim->section, page->list[i].claim->section) == 0) {
            n++;
        }
        if (strcmp(page->list[i].claim->figure, figure) == 0) {
            put_statement(out, &page->list[i], n);
        }
        i += n;
    }
    fputs("</table></div>\n", out);
}

/* ---- deviations ---- */

static void put_deviating_claims(FILE *out, const jebm_page *page, const char *figure) {
    for (size_t i = 0; i < page->n; i++) {
        const jebm_judgement *j = &page->list[i];
        const outcome o = jebm_page_outcome(j);
        if (strcmp(j->claim->figure, figure) != 0 ||
            (o != OUTCOME_DEVIATES && o != OUTCOME_SCALED_FAILS)) {
            continue;
        }
        char id[JEBM_ID_TEXT];
        measured m;
        jebm_page_measured(j, &m);
        jebm_html_put(out, "<li><a href=\"#%s\">%s</a>: %s. Found %s (%s), demanded %s.</li>\n",
                      jebm_html_id("claim-", j->claim->id, id), j->claim->id, j->claim->says,
                      m.mean, m.interval, m.region);
    }
}

static const char *text_in(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "?";
}

static void put_run_deviations(FILE *out, const jebm_stored_run *run) {
    const json_t *m = run->manifest, *entry;
    size_t i;
    json_array_foreach(json_object_get(m, "diverged"), i, entry) {
        jebm_html_put(out, "<li>%s: %s %s, run %lld diverged at step %lld: %s.</li>\n",
                      run->fidelity, text_in(entry, "method"), text_in(entry, "variant"),
                      (long long)json_integer_value(json_object_get(entry, "run")),
                      (long long)json_integer_value(json_object_get(entry, "step")),
                      text_in(entry, "why"));
    }
    json_array_foreach(json_object_get(m, "overrides"), i, entry) {
        if (json_is_string(entry)) {
            jebm_html_put(out, "<li>%s: run with <code>%s</code> instead of the preset.</li>\n",
                          run->fidelity, json_string_value(entry));
        }
    }
    if (!run->complete) {
        jebm_html_put(out, "<li>%s: %s; no claim is judged by it.</li>\n", run->fidelity,
                      run->lack);
    }
    if (strcmp(run->scale, jebm_scales[0]) != 0) {
        jebm_html_put(out,
                      "<li>%s: run at scale %s, below the published size, so its verdicts are "
                      "<em>scaled</em>.</li>\n",
                      run->fidelity, run->scale);
    }
    if (json_is_true(json_object_get(json_object_get(m, "environment"), "git_dirty"))) {
        jebm_html_put(out,
                      "<li>%s: run from a checkout with changes that were not committed.</li>\n",
                      run->fidelity);
    }
}

static void put_deviations(FILE *out, const jebm_page *page, const char *figure, span s) {
    char *text = NULL;
    size_t size = 0;
    FILE *items = open_memstream(&text, &size);
    if (items == NULL) {
        return;
    }
    put_deviating_claims(items, page, figure);
    for (size_t i = 0; i < s.n; i++) {
        put_run_deviations(items, &s.runs[i]);
    }
    fclose(items);
    fputs("<h3>Deviations</h3>\n", out);
    if (size > 0) {
        fputs("<ul class=\"deviations\">\n", out);
        fwrite(text, 1, size, out);
        fputs("</ul>\n", out);
    } else {
        fputs(
            "<p>None: no claim deviates, no run diverged, all settings are the preset\xE2\x80\x99s."
            "</p>\n",
            out);
    }
    free(text);
}

/* ---- runs and settings ---- */

static void put_columns(FILE *out, span s, const char *corner) {
    jebm_html_put(out, "<thead><tr><th scope=\"col\">%s</th>", corner);
    for (size_t i = 0; i < s.n; i++) {
        jebm_html_put(out, "<th scope=\"col\">%s</th>", s.runs[i].fidelity);
    }
    fputs("</tr></thead>\n", out);
}

static void put_time(FILE *out, const json_t *m) {
    const json_t *seconds = json_object_get(json_object_get(m, "timing"), "wall_seconds");
    char text[JEBM_NUMBER_TEXT];
    jebm_html_text(
        out, jebm_duration_text(json_is_number(seconds) ? json_number_value(seconds) : NAN, text));
}

/* nanoseconds a step and walker, over all cells and runs */
static void put_speed(FILE *out, const json_t *m) {
    double low = INFINITY, high = -INFINITY;
    size_t i;
    const json_t *cell;
    json_array_foreach(json_object_get(json_object_get(m, "timing"), "cells"), i, cell) {
        const json_t *ns = json_object_get(cell, "step_ns_per_walker");
        if (json_is_number(ns)) {
            low = fmin(low, json_number_value(ns));
            high = fmax(high, json_number_value(ns));
        }
    }
    if (low <= high) {
        fprintf(out, "%.0f to %.0f ns", low, high);
    } else {
        fputs("\xE2\x80\x93", out);
    }
}

static void put_text(FILE *out, const char *text) {
    jebm_html_text(out, *text != '\0' ? text : "\xE2\x80\x93");
}

static void put_revision(FILE *out, const json_t *m) {
    char revision[13];
    snprintf(revision, sizeof revision, "%.12s", jebm_page_text(m, "environment", "git_revision"));
    fputs("<code>", out);
    put_text(out, revision);
    fputs("</code>", out);
    if (json_is_true(json_object_get(json_object_get(m, "environment"), "git_dirty"))) {
        fputs(" with changes", out);
    }
}

static void put_origin(FILE *out, const jebm_page *page, const json_t *m) {
    const char *source = jebm_page_text(m, "runs_of", NULL);
    char id[JEBM_ID_TEXT];
    if (*source == '\0') {
        fputs("its own runs", out);
    } else if (jebm_page_has_section(page, source)) {
        jebm_html_put(out, "the runs of <a href=\"#%s\">%s</a>",
                      jebm_html_id("figure-", source, id), source);
    } else {
        jebm_html_put(out, "the runs of %s", source);
    }
}

static void put_environment(FILE *out, const json_t *holder) {
    put_text(out, jebm_page_text(holder, "environment", "cpu"));
    jebm_html_put(out, ", %s cores", jebm_page_text(holder, "environment", "cores"));
    jebm_html_put(out, ", %s threads", jebm_page_text(holder, "environment", "threads"));
    jebm_html_put(out, ", %s", jebm_page_text(holder, "environment", "isa"));
}

/* runs that were computed in parts name the machine of each */
static void put_machine(FILE *out, const json_t *m) {
    const json_t *parts = json_object_get(m, "merged_from"), *part;
    size_t i;
    json_array_foreach(parts, i, part) {
        jebm_html_put(out, "%sruns %lld to %lld: ", i > 0 ? "; " : "",
                      (long long)json_integer_value(json_object_get(part, "from")),
                      (long long)json_integer_value(json_object_get(part, "to")));
        put_environment(out, part);
    }
    if (json_array_size(parts) == 0) {
        put_environment(out, m);
    }
}

static void put_facts(FILE *out, const jebm_page *page, span s) {
    static const struct {
        const char *label, *key, *inner;
        void (*put)(FILE *, const json_t *);
    } facts[] = {
        {"Walkers N", "preset", "walkers", NULL},
        {"Runs", "runs", NULL, NULL},
        {"Iterations K", "preset", "iterations", NULL},
        {"Seed", "seed", NULL, NULL},
        {"Run time", NULL, NULL, put_time},
        {"A step and walker", NULL, NULL, put_speed},
        {"Finished", "finished", NULL, NULL},
        {"Machine", NULL, NULL, put_machine},
        {"Compiler", "environment", "compiler", NULL},
        {"Git revision", NULL, NULL, put_revision},
    };
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Runs\">"
          "<table class=\"runs\">\n<caption>What was run</caption>\n",
          out);
    put_columns(out, s, "Fidelity");
    fputs("<tbody>\n<tr><th scope=\"row\">Scale</th>", out);
    for (size_t i = 0; i < s.n; i++) {
        jebm_html_put(out, "<td>%s</td>", s.runs[i].scale);
    }
    fputs("</tr>\n<tr><th scope=\"row\">Drawn from</th>", out);
    for (size_t i = 0; i < s.n; i++) {
        fputs("<td>", out);
        put_origin(out, page, s.runs[i].manifest);
        fputs("</td>", out);
    }
    fputs("</tr>\n", out);
    for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) {
        jebm_html_put(out, "<tr><th scope=\"row\">%s</th>", facts[f].label);
        for (size_t i = 0; i < s.n; i++) {
            const json_t *m = s.runs[i].manifest;
            fputs("<td>", out);
            if (facts[f].put != NULL) {
                facts[f].put(out, m);
            } else {
                put_text(out, jebm_page_text(m, facts[f].key, facts[f].inner));
            }
            fputs("</td>", out);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static bool same_everywhere(span s, const char *key) {
    for (size_t i = 1; i < s.n; i++) {
        const char *a =
            json_string_value(json_object_get(json_object_get(s.runs[0].manifest, "preset"), key));
        const char *b =
            json_string_value(json_object_get(json_object_get(s.runs[i].manifest, "preset"), key));
        if (a == NULL || b == NULL || strcmp(a, b) != 0) {
            return false;
        }
    }
    return true;
}

/* the keys of the first run's preset, then those that only a later one has */
static bool in_earlier(span s, size_t run, const char *key) {
    for (size_t i = 0; i < run; i++) {
        if (json_object_get(json_object_get(s.runs[i].manifest, "preset"), key) != NULL) {
            return true;
        }
    }
    return false;
}

static void put_settings(FILE *out, span s) {
    fputs("<details><summary>Settings</summary>\n"
          "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Settings\">"
          "<table class=\"settings\">\n<caption>The preset after overrides; marked where the "
          "fidelities differ</caption>\n",
          out);
    put_columns(out, s, "Setting");
    fputs("<tbody>\n", out);
    for (size_t run = 0; run < s.n; run++) {
        const char *key;
        json_t *value;
        json_object_foreach(json_object_get(s.runs[run].manifest, "preset"), key, value) {
            // the title stands above, the others are how the preset file is made up
            if (in_earlier(s, run, key) || strcmp(key, "title") == 0 ||
                strcmp(key, "scales") == 0 || strcmp(key, "fidelities") == 0 ||
                strcmp(key, "like") == 0 || strcmp(key, "runs_of") == 0 ||
                strcmp(key, "draws") == 0 || strcmp(key, "departs") == 0) {
                continue;
            }
            jebm_html_put(out, "<tr><th scope=\"row\"><code>%s</code></th>", key);
            for (size_t i = 0; i < s.n; i++) {
                fputs(same_everywhere(s, key) ? "<td>" : "<td class=\"differs\">", out);
                put_text(out, jebm_page_text(s.runs[i].manifest, "preset", key));
                fputs("</td>", out);
            }
            fputs("</tr>\n", out);
        }
    }
    fputs("</tbody></table></div></details>\n", out);
}

/* ---- summary.csv ---- */

/* the row of the last step of the cell that stands in row first */
static size_t last_row(const jebm_csv *csv, const double *steps, size_t first) {
    size_t last = first;
    for (size_t row = first; row < jebm_csv_rows(csv); row++) {
        if (strcmp(jebm_csv_text(csv, row, 0), jebm_csv_text(csv, first, 0)) == 0 &&
            strcmp(jebm_csv_text(csv, row, 1), jebm_csv_text(csv, first, 1)) == 0 &&
            steps[row] >= steps[last]) {
            last = row;
        }
    }
    return last;
}

static bool starts_cell(const jebm_csv *csv, size_t row) {
    return row == 0 || strcmp(jebm_csv_text(csv, row, 0), jebm_csv_text(csv, row - 1, 0)) != 0 ||
           strcmp(jebm_csv_text(csv, row, 1), jebm_csv_text(csv, row - 1, 1)) != 0;
}

/* the field as a number; NaN where it is none */
static double number_at(const jebm_csv *csv, size_t row, size_t column) {
    const char *text = jebm_csv_text(csv, row, column);
    char *end;
    const double x = strtod(text, &end);
    return *text != '\0' && *end == '\0' ? x : NAN;
}

/* c of c_mean where c_se comes next, else NULL */
static char *quantity_at(const jebm_csv *csv, size_t column) {
    const char *name = jebm_csv_name(csv, column);
    const size_t n = strlen(name);
    if (n <= 5 || strcmp(name + n - 5, "_mean") != 0 || column + 1 >= jebm_csv_columns(csv)) {
        return NULL;
    }
    char *quantity = jebm_format("%.*s", (int)(n - 5), name);
    char *se = jebm_format("%.*s_se", (int)(n - 5), name);
    if (quantity != NULL && se != NULL && strcmp(jebm_csv_name(csv, column + 1), se) != 0) {
        free(quantity);
        quantity = NULL;
    }
    free(se);
    return quantity;
}

static void put_quantity(FILE *out, const jebm_csv *csv, size_t row, size_t column,
                         const char *name) {
    const double mean = number_at(csv, row, column), se = number_at(csv, row, column + 1);
    const double runs = number_at(csv, row, 3);
    char text[JEBM_NUMBER_TEXT], half_text[JEBM_NUMBER_TEXT];
    const double half =
        runs >= 2 ? se * gsl_cdf_tdist_Pinv(0.5 * (1.0 + JEBM_CONFIDENCE), runs - 1) : NAN;
    jebm_html_put(out, "<td class=\"number\" data-label=\"%s\">%s", name,
                  jebm_number_text(mean, half, text));
    if (half > 0) {
        jebm_html_put(out, " \xC2\xB1 %s", jebm_number_text(half, half, half_text));
    }
    fputs("</td>", out);
}

static void put_numbers(FILE *out, const jebm_stored_run *run) {
    const jebm_csv *csv = run->summary;
    const size_t rows = csv != NULL ? jebm_csv_rows(csv) : 0;
    size_t step;
    double *steps = calloc(rows + 1, sizeof *steps);
    if (rows == 0 || steps == NULL || jebm_csv_find(csv, "step", &step, NULL) != JEBM_OK ||
        jebm_csv_columns(csv) < 4 || jebm_csv_numbers(csv, step, steps, NULL) != JEBM_OK) {
        free(steps);
        return;
    }
    jebm_html_put(out,
                  "<details><summary>Numbers at the end: %s</summary>\n"
                  "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Numbers at "
                  "the end, %s\"><table class=\"numbers\">\n<caption><code>summary.csv</code> at "
                  "the last recorded step: mean over the runs &plusmn; half the 95 %% "
                  "interval</caption>\n<thead><tr><th scope=\"col\">Method</th>"
                  "<th scope=\"col\">Variant</th><th scope=\"col\">Step</th>",
                  run->fidelity, run->fidelity);
    for (size_t k = 0; k < jebm_csv_columns(csv); k++) {
        char *quantity = quantity_at(csv, k);
        if (quantity != NULL) {
            jebm_html_put(out, "<th scope=\"col\" class=\"number\"><code>%s</code></th>", quantity);
        }
        free(quantity);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t first = 0; first < rows; first++) {
        if (!starts_cell(csv, first)) {
            continue;
        }
        const size_t row = last_row(csv, steps, first);
        jebm_html_put(out,
                      "<tr><th scope=\"row\">%s</th><td>%s</td><td class=\"number\" "
                      "data-label=\"step\">%s</td>",
                      jebm_csv_text(csv, row, 0), jebm_csv_text(csv, row, 1),
                      jebm_csv_text(csv, row, step));
        for (size_t k = 0; k < jebm_csv_columns(csv); k++) {
            char *quantity = quantity_at(csv, k);
            if (quantity != NULL) {
                put_quantity(out, csv, row, k, quantity);
            }
            free(quantity);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div></details>\n", out);
    free(steps);
}

/* ---- the section ---- */

void jebm_page_figure(FILE *out, const jebm_page *page, const jebm_known_figure *figure) {
    const span s = runs_of(page, figure->name);
    const char *title = figure->title != NULL ? figure->title : "";
    char id[JEBM_ID_TEXT], heading[JEBM_ID_TEXT], label[JEBM_NUMBER_TEXT];
    jebm_html_put(out,
                  "<section class=\"figure-section\" id=\"%s\" aria-labelledby=\"%s\">\n"
                  "<h2 id=\"%s\">%s <span class=\"subtitle\">%s</span></h2>\n",
                  jebm_html_id("figure-", figure->name, id),
                  jebm_html_id("title-", figure->name, heading), heading,
                  jebm_page_figure_label(figure->name, label), title);
    if (figure->departs != NULL) {
        jebm_html_put(out,
                      "<p>Fidelity <code>paper</code> is not to the letter of the text here: the "
                      "values of <code>%s</code> are ours, since the text has others or none "
                      "(docs/FIDELITY.md).</p>\n",
                      figure->departs);
    }
    if (s.n == 0) {
        fputs("<p class=\"missing\">Not run: there are no data of this figure here.</p>\n", out);
    } else {
        put_drawings(out, page, figure->name, s, title);
    }
    put_statements(out, page, figure->name);
    if (s.n > 0) {
        put_deviations(out, page, figure->name, s);
        fputs("<h3>Runs</h3>\n", out);
        put_facts(out, page, s);
        put_settings(out, s);
        for (size_t i = 0; i < s.n; i++) {
            put_numbers(out, &s.runs[i]);
        }
    }
    fputs("</section>\n", out);
}
