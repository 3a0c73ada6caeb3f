/* The curves of summary.csv, as data that a script draws: packed, since they are many.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_internal.h"

#include "app/share.h"
#include "expr_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* more points than a curve on a page can show; the last one is always kept */
enum { MOST_POINTS = 128, DIGITS = 4 };

/* ---- reading summary.csv ---- */

double jebm_page_number(const jebm_csv *csv, size_t row, size_t column) {
    const char *text = jebm_csv_text(csv, row, column);
    char *end;
    const double x = strtod(text, &end);
    return *text != '\0' && *end == '\0' ? x : NAN;
}

char *jebm_page_quantity_at(const jebm_csv *csv, size_t column) {
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

bool jebm_page_starts_cell(const jebm_csv *csv, size_t row) {
    return row == 0 || strcmp(jebm_csv_text(csv, row, 0), jebm_csv_text(csv, row - 1, 0)) != 0 ||
           strcmp(jebm_csv_text(csv, row, 1), jebm_csv_text(csv, row - 1, 1)) != 0;
}

const char *jebm_page_quantity(const jebm_csv *csv, const jebm_claim *claim) {
    for (size_t i = 0; i < claim->value->count; i++) {
        const node *part = &claim->value->nodes[i];
        char *mean = part->type == COLUMN ? jebm_format("%s_mean", part->name) : NULL;
        size_t column;
        const bool found = mean != NULL && jebm_csv_find(csv, mean, &column, NULL) == JEBM_OK;
        free(mean);
        if (found) {
            return part->name;
        }
    }
    return NULL;
}

/* ---- as JSON ---- */

/* rows of one cell */
typedef struct cell {
    size_t first, count, stride;
} cell;

/* the n-th row that is shown of a cell; false after the last */
static bool shown_row(const cell *c, size_t n, size_t *row) {
    const size_t at = n * c->stride;
    if (at >= c->count + c->stride - 1) {
        return false;
    }
    *row = c->first + (at < c->count ? at : c->count - 1);
    return true;
}

/* the numbers of a column; null where none is finite */
static json_t *column_of(const jebm_csv *csv, const cell *c, size_t column) {
    json_t *list = json_array();
    bool any = false;
    for (size_t n = 0, row; shown_row(c, n, &row); n++) {
        const double x = jebm_page_number(csv, row, column);
        any |= isfinite(x) != 0;
        json_array_append_new(list, isfinite(x) ? json_real(x) : json_null());
    }
    if (!any) {
        json_decref(list);
        return json_null();
    }
    return list;
}

static json_t *steps_of(const jebm_csv *csv, const cell *c, size_t column) {
    json_t *list = json_array();
    for (size_t n = 0, row; shown_row(c, n, &row); n++) {
        json_array_append_new(list, json_integer((json_int_t)jebm_page_number(csv, row, column)));
    }
    return list;
}

/* QUANTITY + ending of all quantities */
static json_t *columns_of(const jebm_csv *csv, const cell *c, const char *ending) {
    json_t *list = json_array();
    for (size_t k = 0; k < jebm_csv_columns(csv); k++) {
        char *quantity = jebm_page_quantity_at(csv, k);
        char *name = quantity != NULL ? jebm_format("%s%s", quantity, ending) : NULL;
        size_t column;
        if (name != NULL) {
            json_array_append_new(list, jebm_csv_find(csv, name, &column, NULL) == JEBM_OK
                                            ? column_of(csv, c, column)
                                            : json_null());
        }
        free(name);
        free(quantity);
    }
    return list;
}

static json_t *cell_of(const jebm_csv *csv, const cell *c, size_t step) {
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o}", "method",
                     jebm_csv_text(csv, c->first, 0), "variant", jebm_csv_text(csv, c->first, 1),
                     "every", (int)c->stride, "steps", steps_of(csv, c, step), "mean",
                     columns_of(csv, c, "_mean"), "low", columns_of(csv, c, "_min"), "high",
                     columns_of(csv, c, "_max"));
}

/* NULL where there is nothing to draw */
static json_t *curves_of(const jebm_csv *csv) {
    const size_t rows = csv != NULL ? jebm_csv_rows(csv) : 0;
    size_t step;
    if (rows == 0 || jebm_csv_find(csv, "step", &step, NULL) != JEBM_OK) {
        return NULL;
    }
    json_t *quantities = json_array(), *cells = json_array();
    for (size_t k = 0; k < jebm_csv_columns(csv); k++) {
        char *quantity = jebm_page_quantity_at(csv, k);
        if (quantity != NULL) {
            json_array_append_new(quantities, json_string(quantity));
        }
        free(quantity);
    }
    for (size_t first = 0, end; first < rows; first = end) {
        for (end = first + 1; end < rows && !jebm_page_starts_cell(csv, end);) {
            end++;
        }
        const cell c = {first, end - first, (end - first + MOST_POINTS - 1) / MOST_POINTS};
        json_array_append_new(cells, cell_of(csv, &c, step));
    }
    return json_pack("{s:o, s:o}", "quantities", quantities, "cells", cells);
}

/* ---- on the page ---- */

static void put_packed(FILE *out, const json_t *curves) {
    char *text = json_dumps(curves, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));
    uLongf size = text != NULL ? compressBound(strlen(text)) : 0;
    unsigned char *packed = malloc(size + 1);
    if (text != NULL && packed != NULL &&
        compress2(packed, &size, (const Bytef *)text, strlen(text), Z_BEST_COMPRESSION) == Z_OK) {
        jebm_base64_put(out, packed, size);
    }
    free(packed);
    free(text);
}

/* the same bytes as the runs that it is drawn from, if these are on the page, too */
static bool is_copy(const jebm_page *page, const jebm_stored_run *run, const char *source) {
    const span s = jebm_page_runs(page, source);
    for (size_t i = 0; *source != '\0' && i < s.n; i++) {
        const json_t *here =
                         json_object_get(json_object_get(run->manifest, "files"), "summary.csv"),
                     *there = json_object_get(json_object_get(s.runs[i].manifest, "files"),
                                              "summary.csv");
        if (s.runs[i].summary != NULL && strcmp(s.runs[i].fidelity, run->fidelity) == 0 &&
            here != NULL && json_equal(here, there)) {
            return true;
        }
    }
    return false;
}

void jebm_page_curve_data(FILE *out, const jebm_page *page, span s) {
    for (size_t i = 0; i < s.n; i++) {
        const jebm_stored_run *run = &s.runs[i];
        const char *source = jebm_page_text(run->manifest, "runs_of", NULL);
        const bool copy = is_copy(page, run, source);
        json_t *curves = copy ? NULL : curves_of(run->summary);
        if (copy || curves != NULL) {
            jebm_html_put(out,
                          "<script type=\"text/plain\" class=\"curve-data\" data-figure=\"%s\" "
                          "data-run=\"%s\" data-copy-of=\"%s\">",
                          run->figure, run->fidelity, copy ? source : "");
            if (!copy) {
                put_packed(out, curves);
            }
            fputs("</script>\n", out);
        }
        json_decref(curves);
    }
}

void jebm_page_curve_place(FILE *out, const jebm_page *page, const char *section, span s) {
    jebm_words claimed = {0};
    for (size_t i = 0; i < page->n; i++) {
        const jebm_claim *c = page->list[i].claim;
        for (size_t k = 0; k < s.n && strcmp(jebm_page_section_of(page, c), section) == 0; k++) {
            const char *quantity =
                s.runs[k].summary != NULL ? jebm_page_quantity(s.runs[k].summary, c) : NULL;
            if (quantity != NULL) {
                jebm_words_add(&claimed, quantity);
            }
        }
    }
    char id[JEBM_ID_TEXT], label[JEBM_NUMBER_TEXT];
    jebm_html_put(out,
                  "<div class=\"curves\" id=\"%s\" hidden data-figure=\"%s\" data-label=\"%s\" "
                  "data-claimed=\"",
                  jebm_html_id("curves-", section, id), s.runs->figure,
                  jebm_page_figure_label(section, label));
    jebm_words_put(out, &claimed, " ");
    fputs("\"><h3>The curves, with their values</h3></div>\n", out);
    free(claimed.list);
}
