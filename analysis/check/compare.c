/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compare.h"

#include "app/share.h"
#include "io/csv.h"
#include "tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* columns that are listed at most; the rest is counted */
enum { MOST_LINES = 40 };

/* one column of one CSV: where the two differ most in units of the tolerance */
typedef struct difference {
    char place[384]; /* RESULT/CSV COLUMN */
    char row[160];
    double excess, a, b;
} difference;

typedef struct comparison {
    FILE *out;
    const char *directories[2];
    jebm_tree trees[2];
    const jebm_tolerance *tolerance;
    difference *list; /* [n] columns that are not the same to the last bit */
    size_t n, columns, csvs, beyond;
    jebm_error *err;
} comparison;

static jebm_status no_memory(const comparison *c) {
    return jebm_fail(c->err, JEBM_ENOMEM, "no memory to compare %s", c->directories[0]);
}

/* ---- numbers ---- */

/* |a - b| in units of what is allowed: 0 where equal, above 1 where beyond */
static double excess_of(double a, double b, const jebm_tolerance *t) {
    if (a == b || (isnan(a) && isnan(b))) {
        return 0.0;
    }
    const double allowed = t->atol + t->rtol * fmax(fabs(a), fabs(b));
    return isfinite(a) && isfinite(b) && allowed > 0.0 ? fabs(a - b) / allowed : INFINITY;
}

/* the fields that say what a row is: those up to the step, or else the text in front */
static size_t count_labels(const jebm_csv *csv) {
    size_t column = 0;
    if (jebm_csv_find(csv, "step", &column, NULL) == JEBM_OK) {
        return column + 1;
    }
    char *end = NULL;
    while (column < jebm_csv_columns(csv) && jebm_csv_rows(csv) > 0 &&
           (strtod(jebm_csv_text(csv, 0, column), &end), *end != '\0')) {
        column++;
    }
    return column;
}

static void say_row(const jebm_csv *csv, size_t row, size_t labels, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < labels && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%s %s", i > 0 ? ", " : "",
                                 jebm_csv_name(csv, i), jebm_csv_text(csv, row, i));
    }
    if (labels == 0) {
        snprintf(text, size, "line %zu", row + 2);
    }
}

/* is a row's step, the last of its labels, beyond what is compared? */
static bool is_late(const comparison *c, const jebm_csv *csv, size_t row, size_t labels) {
    return labels > 0 && strcmp(jebm_csv_name(csv, labels - 1), "step") == 0 &&
           strtod(jebm_csv_text(csv, row, labels - 1), NULL) > c->tolerance->until;
}

static jebm_status compare_column(comparison *c, const char *place, const jebm_csv *const csvs[2],
                                  const size_t column[2], size_t labels) {
    const size_t rows = jebm_csv_rows(csvs[0]);
    double *a = malloc((rows + 1) * sizeof *a), *b = malloc((rows + 1) * sizeof *b);
    difference *list = realloc(c->list, (c->n + 1) * sizeof *list);
    c->list = list != NULL ? list : c->list;
    jebm_status status = a != NULL && b != NULL && list != NULL ? JEBM_OK : no_memory(c);
    if (status == JEBM_OK) {
        status = jebm_csv_numbers(csvs[0], column[0], a, c->err);
    }
    if (status == JEBM_OK) {
        status = jebm_csv_numbers(csvs[1], column[1], b, c->err);
    }
    if (status == JEBM_OK) {
        difference *d = &list[c->n];
        *d = (difference){0};
        size_t worst = 0;
        for (size_t row = 0; row < rows; row++) {
            const double excess = excess_of(a[row], b[row], c->tolerance);
            if (excess > d->excess && !is_late(c, csvs[0], row, labels)) {
                d->excess = excess;
                worst = row;
            }
        }
        c->columns++;
        if (d->excess > 0.0) {
            d->a = a[worst];
            d->b = b[worst];
            snprintf(d->place, sizeof d->place, "%.320s %.60s", place,
                     jebm_csv_name(csvs[0], column[0]));
            say_row(csvs[0], worst, labels, d->row, sizeof d->row);
            c->n++;
            c->beyond += d->excess > 1.0;
        }
    }
    free(a);
    free(b);
    return status;
}

/* do the rows of both belong together? says the first that does not */
static bool same_rows(comparison *c, const char *place, const jebm_csv *const csvs[2],
                      const size_t labels[2]) {
    const size_t rows[2] = {jebm_csv_rows(csvs[0]), jebm_csv_rows(csvs[1])};
    size_t row = 0;
    bool same = labels[0] == labels[1];
    for (; same && row < rows[0] && row < rows[1]; row++) {
        for (size_t i = 0; i < labels[0] && same; i++) {
            same = strcmp(jebm_csv_text(csvs[0], row, i), jebm_csv_text(csvs[1], row, i)) == 0;
        }
    }
    if (same && rows[0] == rows[1]) {
        return true;
    }
    fprintf(c->out, "differs: %s: found %zu rows and %zu, which part at line %zu\n", place, rows[0],
            rows[1], row + 1 + same);
    c->beyond++;
    return false;
}

static jebm_status compare_tables(comparison *c, const char *place, const jebm_csv *const csvs[2]) {
    const size_t labels[2] = {count_labels(csvs[0]), count_labels(csvs[1])};
    if (!same_rows(c, place, csvs, labels)) {
        return JEBM_OK;
    }
    for (size_t i = labels[0]; i < jebm_csv_columns(csvs[0]); i++) {
        size_t column[2] = {i, 0};
        const char *name = jebm_csv_name(csvs[0], i);
        if (jebm_csv_find(csvs[1], name, &column[1], NULL) == JEBM_OK) {
            JEBM_TRY(compare_column(c, place, csvs, column, labels[0]));
        } else {
            fprintf(c->out, "only in the first: %s column %s\n", place, name);
        }
    }
    for (size_t i = labels[1]; i < jebm_csv_columns(csvs[1]); i++) {
        size_t column;
        if (jebm_csv_find(csvs[0], jebm_csv_name(csvs[1], i), &column, NULL) != JEBM_OK) {
            fprintf(c->out, "only in the second: %s column %s\n", place, jebm_csv_name(csvs[1], i));
        }
    }
    return JEBM_OK;
}

/* ---- results ---- */

static jebm_status read_csv(comparison *c, size_t which, const jebm_found *found, const char *name,
                            jebm_csv **csv) {
    char *path = jebm_format("%s/%s/%s", c->directories[which], found->path, name);
    const jebm_status status = path != NULL ? jebm_csv_read(path, csv, c->err) : no_memory(c);
    free(path);
    return status;
}

static jebm_status compare_csv(comparison *c, const jebm_found *const pair[2], const char *name) {
    jebm_csv *csvs[2] = {NULL, NULL};
    char place[336];
    snprintf(place, sizeof place, "%s/%.64s", pair[0]->path, name);
    jebm_status status = read_csv(c, 0, pair[0], name, &csvs[0]);
    if (status == JEBM_OK) {
        status = read_csv(c, 1, pair[1], name, &csvs[1]);
    }
    if (status == JEBM_OK) {
        c->csvs++;
        status = compare_tables(c, place, (const jebm_csv *const *)csvs);
    }
    jebm_csv_free(csvs[0]);
    jebm_csv_free(csvs[1]);
    return status;
}

static bool is_compared(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot != NULL && strcmp(dot, ".csv") == 0 && strcmp(name, "summary.csv") != 0;
}

static jebm_status compare_files(comparison *c, const jebm_found *const pair[2],
                                 json_t *const manifests[2]) {
    static const char *const order[] = {"first", "second"};
    const char *name;
    json_t *entry;
    for (size_t which = 0; which < 2; which++) {
        const json_t *others = json_object_get(manifests[1 - which], "files");
        json_object_foreach(json_object_get(manifests[which], "files"), name, entry) {
            if (!is_compared(name)) {
                continue;
            }
            if (json_object_get(others, name) == NULL) {
                fprintf(c->out, "missing in the %s: %s/%s\n", order[1 - which], pair[which]->path,
                        name);
                c->beyond++;
            } else if (which == 0) {
                JEBM_TRY(compare_csv(c, pair, name));
            }
        }
    }
    return JEBM_OK;
}

/* The result of the other tree that belongs to this one: the one by which claims are judged to such
 * a one, else the one at the same place. */
static const jebm_found *partner(const jebm_found *f, const jebm_tree *other) {
    if (f->chosen) {
        return jebm_tree_find(other, f->scale, f->fidelity, f->figure);
    }
    for (size_t i = 0; i < other->n; i++) {
        if (!other->list[i].chosen && strcmp(other->list[i].path, f->path) == 0) {
            return &other->list[i];
        }
    }
    return NULL;
}

static jebm_status read_manifest(const comparison *c, size_t which, const jebm_found *found,
                                 json_t **manifest) {
    char *path = jebm_format("%s/%s/manifest.json", c->directories[which], found->path);
    if (path == NULL) {
        return no_memory(c);
    }
    *manifest = json_load_file(path, 0, NULL);
    const jebm_status status =
        *manifest != NULL ? JEBM_OK : jebm_fail(c->err, JEBM_EIO, "%s: cannot be read", path);
    free(path);
    return status;
}

static jebm_status compare_results(comparison *c, const jebm_found *a, const jebm_found *b) {
    const jebm_found *const pair[2] = {a, b};
    json_t *manifests[2] = {NULL, NULL};
    jebm_status status = JEBM_OK;
    for (size_t i = 0; i < 2 && status == JEBM_OK; i++) {
        status = read_manifest(c, i, pair[i], &manifests[i]);
    }
    if (status == JEBM_OK) {
        status = compare_files(c, pair, manifests);
    }
    json_decref(manifests[0]);
    json_decref(manifests[1]);
    return status;
}

/* what made the results of a tree, each machine once */
static jebm_status say_machines(const comparison *c, size_t which) {
    const jebm_tree *tree = &c->trees[which];
    json_t *machines = json_object();
    for (size_t i = 0; i < tree->n; i++) {
        json_t *manifest = NULL;
        const jebm_status status = read_manifest(c, which, &tree->list[i], &manifest);
        if (status != JEBM_OK) {
            json_decref(machines);
            return status;
        }
        char text[256];
        const json_t *e = json_object_get(manifest, "environment");
        const char *words[3] = {json_string_value(json_object_get(e, "cpu")),
                                json_string_value(json_object_get(e, "isa")),
                                json_string_value(json_object_get(e, "compiler"))};
        snprintf(text, sizeof text, "%s, %s, %s", words[0] ? words[0] : "unknown CPU",
                 words[1] ? words[1] : "unknown ISA", words[2] ? words[2] : "unknown compiler");
        json_object_set_new(machines, text, json_true());
        json_decref(manifest);
    }
    fprintf(c->out, "%s: %s\n", which == 0 ? "first" : "second", c->directories[which]);
    const char *machine;
    json_t *value;
    json_object_foreach(machines, machine, value) {
        fprintf(c->out, "    made on %s\n", machine);
    }
    json_decref(machines);
    return JEBM_OK;
}

/* ---- the whole ---- */

static int by_excess(const void *x, const void *y) {
    const difference *a = x, *b = y;
    return a->excess != b->excess ? (a->excess < b->excess ? 1 : -1) : strcmp(a->place, b->place);
}

static void say_differences(comparison *c) {
    if (c->n > 0) {
        qsort(c->list, c->n, sizeof *c->list, by_excess);
    }
    for (size_t i = 0; i < c->n && i < MOST_LINES; i++) {
        const difference *d = &c->list[i];
        fprintf(c->out, "%s: %s: %.9g and %.9g, differ by %.3g at %s\n",
                d->excess > 1.0 ? "beyond" : "within", d->place, d->a, d->b, fabs(d->a - d->b),
                d->row);
    }
    if (c->n > MOST_LINES) {
        fprintf(c->out, "and %zu more columns that differ less\n", c->n - MOST_LINES);
    }
    fprintf(c->out, "%zu columns of %zu CSVs: %zu equal, %zu differ, %zu beyond rtol %g, atol %g\n",
            c->columns, c->csvs, c->columns - c->n, c->n, c->beyond, c->tolerance->rtol,
            c->tolerance->atol);
}

static jebm_status compare_trees(comparison *c) {
    size_t common = 0;
    for (size_t which = 0; which < 2; which++) {
        JEBM_TRY(jebm_tree_walk(c->directories[which], &c->trees[which], c->err));
        JEBM_TRY(jebm_tree_expect(&c->trees[which], c->directories[which], NULL, c->err));
        JEBM_TRY(say_machines(c, which));
    }
    for (size_t which = 0; which < 2; which++) {
        for (size_t i = 0; i < c->trees[which].n; i++) {
            const jebm_found *f = &c->trees[which].list[i];
            const jebm_found *other = partner(f, &c->trees[1 - which]);
            if (other == NULL) {
                fprintf(c->out, "only in the %s: %s\n", which == 0 ? "first" : "second", f->path);
            } else if (which == 0) {
                common++;
                JEBM_TRY(compare_results(c, f, other));
            }
        }
    }
    if (common == 0) {
        return jebm_fail(c->err, JEBM_EINVAL,
                         "%s and %s have no figure, scale and fidelity in common",
                         c->directories[0], c->directories[1]);
    }
    say_differences(c);
    return JEBM_OK;
}

jebm_status jebm_compare(FILE *out, const char *a, const char *b, const jebm_tolerance *tolerance,
                         size_t *beyond, jebm_error *err) {
    comparison c = {.out = out, .directories = {a, b}, .tolerance = tolerance, .err = err};
    const jebm_status status = compare_trees(&c);
    *beyond = c.beyond;
    jebm_tree_free(&c.trees[0]);
    jebm_tree_free(&c.trees[1]);
    free(c.list);
    return status;
}
