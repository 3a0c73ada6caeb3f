/* What departs from claims, preset or published size, and what was run: facts, settings, numbers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include "app/preset.h"
#include "app/share.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- deviations ---- */

static void put_deviating_claims(FILE *out, const jebm_page *page, const char *section) {
    for (size_t i = 0; i < page->n; i++) {
        const jebm_judgement *j = &page->list[i];
        const outcome o = jebm_outcome_of(j);
        if (strcmp(jebm_page_section_of(page, j->claim), section) != 0 ||
            (o != OUTCOME_DEVIATES && o != OUTCOME_SCALED_FAILS)) {
            continue;
        }
        char id[JEBM_ID_TEXT];
        measured m;
        jebm_page_measured(j, &m);
        jebm_html_put(out, "<li><a href=\"#%s\">%s</a>", jebm_html_id("claim-", j->claim->id, id),
                      j->claim->id);
        jebm_page_mark_ours(out, j->claim);
        jebm_html_put(out, ": %s. Found %s (%s), demanded %s.</li>\n", j->claim->says, m.mean,
                      m.interval, m.region);
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
    if (strcmp(run->scale, JEBM_SCALE_PUBLISHED) != 0) {
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

void jebm_page_deviations(FILE *out, const jebm_page *page, const char *section, span s) {
    char *text = NULL;
    size_t size = 0;
    FILE *items = open_memstream(&text, &size);
    if (items == NULL) {
        return;
    }
    put_deviating_claims(items, page, section);
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

static void put_files(FILE *out, const jebm_page *page, span s) {
    fputs("<tr><th scope=\"row\">Files</th>", out);
    for (size_t i = 0; i < s.n; i++) {
        const jebm_stored_run *run = &s.runs[i];
        fputs("<td>", out);
        for (size_t k = 0; k < run->nfiles; k++) {
            fputs(k > 0 ? ", " : "", out);
            jebm_page_file(out, page, run->directory, run->files[k], run->files[k]);
        }
        fputs("</td>", out);
    }
    fputs("</tr>\n", out);
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
    put_files(out, page, s);
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
            if (in_earlier(s, run, key) || jebm_key_is_description(key)) {
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

static void put_quantity(FILE *out, const jebm_csv *csv, size_t row, size_t column,
                         const char *name) {
    const double mean = jebm_page_number(csv, row, column),
                 se = jebm_page_number(csv, row, column + 1);
    const double runs = jebm_page_number(csv, row, 3);
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
        char *quantity = jebm_page_quantity_at(csv, k);
        if (quantity != NULL) {
            jebm_html_put(out, "<th scope=\"col\" class=\"number\"><code>%s</code></th>", quantity);
        }
        free(quantity);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t first = 0; first < rows; first++) {
        if (!jebm_page_starts_cell(csv, first)) {
            continue;
        }
        const size_t row = last_row(csv, steps, first);
        jebm_html_put(out,
                      "<tr><th scope=\"row\">%s</th><td>%s</td><td class=\"number\" "
                      "data-label=\"step\">%s</td>",
                      jebm_csv_text(csv, row, 0), jebm_csv_text(csv, row, 1),
                      jebm_csv_text(csv, row, step));
        for (size_t k = 0; k < jebm_csv_columns(csv); k++) {
            char *quantity = jebm_page_quantity_at(csv, k);
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

void jebm_page_run_facts(FILE *out, const jebm_page *page, span s) {
    fputs("<h3>Runs</h3>\n", out);
    put_facts(out, page, s);
    put_settings(out, s);
    for (size_t i = 0; i < s.n; i++) {
        put_numbers(out, &s.runs[i]);
    }
}
