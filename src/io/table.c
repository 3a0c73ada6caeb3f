/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/table.h"

#include "io/atomic_file.h"
#include "io/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jebm_status no_memory(jebm_error *err, size_t rows) {
    return jebm_fail(err, JEBM_ENOMEM,
                     "not enough memory for a table of %zu rows; record less often", rows);
}

static jebm_status copy_name(const char *name, char **copy, jebm_error *err) {
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == ',' || *c == '"' || (unsigned char)*c < ' ') {
            return jebm_fail(err, JEBM_EINVAL,
                             "'%s' cannot stand in a CSV: commas, quotes and control characters "
                             "are not allowed",
                             name);
        }
    }
    *copy = malloc(strlen(name) + 1);
    if (*copy == NULL) {
        return no_memory(err, 0);
    }
    strcpy(*copy, name);
    return JEBM_OK;
}

jebm_status jebm_table_init(jebm_table *table, const char *const *columns, size_t ncolumns,
                            jebm_error *err) {
    memset(table, 0, sizeof *table);
    table->columns = calloc(ncolumns + 1, sizeof *table->columns);
    if (table->columns == NULL) {
        return no_memory(err, 0);
    }
    for (size_t c = 0; c < ncolumns; c++) {
        const jebm_status status = copy_name(columns[c], &table->columns[c], err);
        if (status != JEBM_OK) {
            jebm_table_free(table);
            return status;
        }
        table->ncolumns = c + 1;
    }
    return JEBM_OK;
}

void jebm_table_free(jebm_table *table) {
    if (table == NULL) {
        return;
    }
    for (size_t c = 0; c < table->ncolumns; c++) {
        free(table->columns[c]);
    }
    for (size_t l = 0; l < table->nlabels; l++) {
        free(table->labels[l].method);
        free(table->labels[l].variant);
    }
    free(table->columns);
    free(table->labels);
    free(table->label);
    free(table->run);
    free(table->step);
    free(table->values);
    memset(table, 0, sizeof *table);
}

jebm_status jebm_table_label(jebm_table *table, const char *method, const char *variant,
                             uint64_t *label, jebm_error *err) {
    for (size_t l = 0; l < table->nlabels; l++) {
        if (strcmp(table->labels[l].method, method) == 0 &&
            strcmp(table->labels[l].variant, variant) == 0) {
            *label = l;
            return JEBM_OK;
        }
    }
    jebm_label *grown = realloc(table->labels, (table->nlabels + 1) * sizeof *grown);
    if (grown == NULL) {
        return no_memory(err, table->rows);
    }
    table->labels = grown;
    jebm_label *entry = &grown[table->nlabels];
    JEBM_TRY(copy_name(method, &entry->method, err));
    const jebm_status status = copy_name(variant, &entry->variant, err);
    if (status != JEBM_OK) {
        free(entry->method);
        return status;
    }
    *label = table->nlabels++;
    return JEBM_OK;
}

/* Each block grows on its own; capacity is raised only when all have grown. */
static jebm_status grow(jebm_table *table, jebm_error *err) {
    const size_t capacity = table->capacity == 0 ? 256 : 2 * table->capacity;
    const size_t width = (table->ncolumns > 0 ? table->ncolumns : 1) * sizeof(double);
    if (capacity > SIZE_MAX / 2 / width) {
        return no_memory(err, capacity);
    }
    uint64_t **const lists[] = {&table->label, &table->run, &table->step};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        uint64_t *grown = realloc(*lists[i], capacity * sizeof *grown);
        if (grown == NULL) {
            return no_memory(err, capacity);
        }
        *lists[i] = grown;
    }
    double *values = realloc(table->values, capacity * width);
    if (values == NULL) {
        return no_memory(err, capacity);
    }
    table->values = values;
    table->capacity = capacity;
    return JEBM_OK;
}

jebm_status jebm_table_append(jebm_table *table, uint64_t label, uint64_t run, uint64_t step,
                              const double *values, jebm_error *err) {
    if (label >= table->nlabels) {
        return jebm_fail(err, JEBM_EINVAL, "row with label %" PRIu64 ", but there are %zu", label,
                         table->nlabels);
    }
    if (table->rows == table->capacity) {
        JEBM_TRY(grow(table, err));
    }
    const size_t row = table->rows++;
    table->label[row] = label;
    table->run[row] = run;
    table->step[row] = step;
    for (size_t c = 0; c < table->ncolumns; c++) {
        table->values[row * table->ncolumns + c] = values[c];
    }
    return JEBM_OK;
}

/* printf writes a NaN's sign; which sign an operation gives is the processor's affair, and equal
 * runs must give equal bytes. */
static void put_number(FILE *stream, double x) {
    if (isnan(x)) {
        fputs(",nan", stream);
    } else {
        fprintf(stream, ",%.17g", x);
    }
}

jebm_status jebm_table_write(const jebm_table *table, const char *path, jebm_error *err) {
    jebm_atomic_file file;
    JEBM_TRY(jebm_atomic_open(&file, path, err));
    fputs("method,variant,run,step", file.stream);
    for (size_t c = 0; c < table->ncolumns; c++) {
        fprintf(file.stream, ",%s", table->columns[c]);
    }
    fputc('\n', file.stream);
    for (size_t row = 0; row < table->rows; row++) {
        const jebm_label *label = &table->labels[table->label[row]];
        fprintf(file.stream, "%s,%s,%" PRIu64 ",%" PRIu64, label->method, label->variant,
                table->run[row], table->step[row]);
        for (size_t c = 0; c < table->ncolumns; c++) {
            put_number(file.stream, table->values[row * table->ncolumns + c]);
        }
        fputc('\n', file.stream);
    }
    return jebm_atomic_commit(&file, err);
}

typedef struct place {
    uint64_t label, step;
    size_t row;
} place;

/* by label, step and order of insertion: a total order, so that sums run the same way everywhere */
static int compare_places(const void *left, const void *right) {
    const place *a = left, *b = right;
    if (a->label != b->label) {
        return a->label < b->label ? -1 : 1;
    }
    if (a->step != b->step) {
        return a->step < b->step ? -1 : 1;
    }
    return a->row < b->row ? -1 : a->row > b->row;
}

/* mean, se, min and max of one column over the rows of a group; Welford, in order */
static void put_statistics(FILE *stream, const jebm_table *table, const place *group, size_t n,
                           size_t column) {
    double mean = 0, squares = 0, sum = 0, low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        const double x = table->values[group[i].row * table->ncolumns + column];
        const double delta = x - mean;
        mean += delta / (double)(i + 1);
        squares += delta * (x - mean);
        sum += x;
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    // an infinite value upsets Welford's mean but not the plain one
    if (!isfinite(mean)) {
        mean = sum / (double)n;
    }
    put_number(stream, mean);
    put_number(stream, n > 1 ? sqrt(squares / (double)(n - 1) / (double)n) : NAN);
    put_number(stream, isnan(sum) ? NAN : low);
    put_number(stream, isnan(sum) ? NAN : high);
}

static void put_summary(FILE *stream, const jebm_table *table, const place *places) {
    fputs("method,variant,step,runs", stream);
    for (size_t c = 0; c < table->ncolumns; c++) {
        const char *name = table->columns[c];
        fprintf(stream, ",%s_mean,%s_se,%s_min,%s_max", name, name, name, name);
    }
    fputc('\n', stream);
    size_t n;
    for (size_t first = 0; first < table->rows; first += n) {
        const place *group = places + first;
        n = 1;
        while (first + n < table->rows && group[n].label == group[0].label &&
               group[n].step == group[0].step) {
            n++;
        }
        const jebm_label *label = &table->labels[group->label];
        fprintf(stream, "%s,%s,%" PRIu64 ",%zu", label->method, label->variant, group->step, n);
        for (size_t c = 0; c < table->ncolumns; c++) {
            put_statistics(stream, table, group, n, c);
        }
        fputc('\n', stream);
    }
}

jebm_status jebm_table_summary(const jebm_table *table, char **text, size_t *size,
                               jebm_error *err) {
    *text = NULL;
    place *places = malloc((table->rows + 1) * sizeof *places);
    FILE *stream = places != NULL ? open_memstream(text, size) : NULL;
    if (stream == NULL) {
        free(places);
        return no_memory(err, table->rows);
    }
    for (size_t row = 0; row < table->rows; row++) {
        places[row] = (place){table->label[row], table->step[row], row};
    }
    qsort(places, table->rows, sizeof *places, compare_places);
    put_summary(stream, table, places);
    free(places);
    const bool failed = ferror(stream) != 0;
    if (fclose(stream) != 0 || failed) {
        free(*text);
        *text = NULL;
        return no_memory(err, table->rows);
    }
    return JEBM_OK;
}

jebm_status jebm_table_write_summary(const jebm_table *table, const char *path, jebm_error *err) {
    char *text;
    size_t size;
    JEBM_TRY(jebm_table_summary(table, &text, &size, err));
    const jebm_status status = jebm_atomic_write(path, text, size, err);
    free(text);
    return status;
}

/* ---- reading ---- */

enum { NAMES = 4 };
static const char *const names[NAMES] = {"method", "variant", "run", "step"};

/* The columns run and step, then the others, each as numbers: [column][rows]. */
static jebm_status read_numbers(const jebm_csv *csv, const char *path, double **numbers,
                                jebm_error *err) {
    const size_t rows = jebm_csv_rows(csv), columns = jebm_csv_columns(csv);
    for (size_t c = 0; c < NAMES; c++) {
        const char *found = c < columns ? jebm_csv_name(csv, c) : "nothing";
        if (strcmp(found, names[c]) != 0) {
            return jebm_fail(err, JEBM_EFORMAT, "%s:1: found column '%s', expected '%s'", path,
                             found, names[c]);
        }
    }
    *numbers = malloc((rows * (columns - 2) + 1) * sizeof **numbers);
    if (*numbers == NULL) {
        return no_memory(err, rows);
    }
    for (size_t c = 2; c < columns; c++) {
        JEBM_TRY(jebm_csv_numbers(csv, c, *numbers + (c - 2) * rows, err));
    }
    return JEBM_OK;
}

/* what %llu wrote, as a number that a double holds */
static bool is_count(double x) {
    return x >= 0 && x <= 9007199254740992.0 && x == floor(x);
}

static jebm_status append_rows(jebm_table *table, const jebm_csv *csv, const char *path,
                               const double *numbers, jebm_error *err) {
    const size_t rows = jebm_csv_rows(csv);
    double *row = malloc((table->ncolumns + 1) * sizeof *row);
    jebm_status status = row != NULL ? JEBM_OK : no_memory(err, rows);
    for (size_t r = 0; r < rows && status == JEBM_OK; r++) {
        const double run = numbers[r], step = numbers[rows + r];
        uint64_t label;
        if (!is_count(run) || !is_count(step)) {
            status = jebm_fail(err, JEBM_EFORMAT,
                               "%s:%zu: found run %g, step %g, expected whole numbers from 0", path,
                               r + 2, run, step);
            break;
        }
        for (size_t c = 0; c < table->ncolumns; c++) {
            row[c] = numbers[(2 + c) * rows + r];
        }
        status = jebm_table_label(table, jebm_csv_text(csv, r, 0), jebm_csv_text(csv, r, 1), &label,
                                  err);
        if (status == JEBM_OK) {
            status = jebm_table_append(table, label, (uint64_t)run, (uint64_t)step, row, err);
        }
    }
    free(row);
    return status;
}

jebm_status jebm_table_read(jebm_table *table, const char *path, jebm_error *err) {
    memset(table, 0, sizeof *table);
    jebm_csv *csv;
    double *numbers = NULL;
    JEBM_TRY(jebm_csv_read(path, &csv, err));
    jebm_status status = read_numbers(csv, path, &numbers, err);
    const size_t columns = jebm_csv_columns(csv);
    const char **given = calloc(columns, sizeof *given);
    if (status == JEBM_OK && given == NULL) {
        status = no_memory(err, 0);
    }
    if (status == JEBM_OK) {
        for (size_t c = NAMES; c < columns; c++) {
            given[c - NAMES] = jebm_csv_name(csv, c);
        }
        status = jebm_table_init(table, given, columns - NAMES, err);
    }
    if (status == JEBM_OK) {
        status = append_rows(table, csv, path, numbers, err);
    }
    if (status != JEBM_OK) {
        jebm_table_free(table);
    }
    free(given);
    free(numbers);
    jebm_csv_free(csv);
    return status;
}
