/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/csv.h"

#include "io/content.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct jebm_csv {
    char *path;
    char *text; /* the file, commas and newlines turned into 0 */
    size_t rows, columns;
    const char **fields; /* [rows + 1][columns], the header first */
};

/* First pass: what may not occur at all, and how many lines and header fields there are. */
static jebm_status measure(jebm_csv *csv, size_t size, jebm_error *err) {
    if (size == 0) {
        return jebm_fail(err, JEBM_EFORMAT, "%s: is empty; expected a header line", csv->path);
    }
    size_t line = 1;
    csv->columns = 1;
    for (size_t i = 0; i < size; i++) {
        const char c = csv->text[i];
        if (c == '\0' || c == '\r' || c == '"') {
            return jebm_fail(err, JEBM_EFORMAT,
                             "%s:%zu: holds a %s; expected plain fields and lines that end in LF",
                             csv->path, line,
                             c == '\0'   ? "0 byte"
                             : c == '\r' ? "carriage return"
                                         : "quote");
        }
        csv->columns += line == 1 && c == ',';
        line += c == '\n';
    }
    if (csv->text[size - 1] != '\n') {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s:%zu: the last line is cut (no newline at the end of the file); write "
                         "the file again",
                         csv->path, line);
    }
    csv->rows = line - 2;
    return JEBM_OK;
}

/* Second pass: cut the text into fields. */
static jebm_status split(jebm_csv *csv, jebm_error *err) {
    if (csv->columns > SIZE_MAX / sizeof *csv->fields / (csv->rows + 1)) {
        return jebm_fail(err, JEBM_ENOMEM, "%s: does not fit into memory", csv->path);
    }
    csv->fields = malloc((csv->rows + 1) * csv->columns * sizeof *csv->fields);
    if (csv->fields == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "%s: does not fit into memory", csv->path);
    }
    char *next = csv->text;
    for (size_t row = 0; row <= csv->rows; row++) {
        size_t column = 0;
        for (bool more = true; more; column++) {
            const size_t length = strcspn(next, ",\n");
            more = next[length] == ',';
            next[length] = '\0';
            if (column < csv->columns) {
                csv->fields[row * csv->columns + column] = next;
            }
            next += length + 1;
        }
        if (column != csv->columns) {
            return jebm_fail(err, JEBM_EFORMAT,
                             "%s:%zu: has %zu field%s; expected %zu as in line 1", csv->path,
                             row + 1, column, column == 1 ? "" : "s", csv->columns);
        }
    }
    return JEBM_OK;
}

static jebm_status check_header(const jebm_csv *csv, jebm_error *err) {
    for (size_t i = 0; i < csv->columns; i++) {
        if (csv->fields[i][0] == '\0') {
            return jebm_fail(err, JEBM_EFORMAT, "%s:1: column %zu has no name", csv->path, i + 1);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(csv->fields[i], csv->fields[j]) == 0) {
                return jebm_fail(err, JEBM_EFORMAT,
                                 "%s:1: columns %zu and %zu are both called '%s'", csv->path, j + 1,
                                 i + 1, csv->fields[i]);
            }
        }
    }
    return JEBM_OK;
}

jebm_status jebm_csv_parse(const char *name, char *text, size_t size, jebm_csv **out,
                           jebm_error *err) {
    *out = NULL;
    jebm_csv *csv = calloc(1, sizeof *csv);
    if (csv == NULL || (csv->path = malloc(strlen(name) + 1)) == NULL) {
        free(csv);
        free(text);
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory to read it", name);
    }
    strcpy(csv->path, name);
    csv->text = text;
    jebm_status status = measure(csv, size, err);
    if (status == JEBM_OK) {
        status = split(csv, err);
    }
    if (status == JEBM_OK) {
        status = check_header(csv, err);
    }
    if (status != JEBM_OK) {
        jebm_csv_free(csv);
        return status;
    }
    *out = csv;
    return JEBM_OK;
}

jebm_status jebm_csv_read(const char *path, jebm_csv **out, jebm_error *err) {
    char *text;
    size_t size;
    *out = NULL;
    JEBM_TRY(jebm_content_read(path, &text, &size, err));
    char *name = jebm_content_name(path);
    if (name == NULL) {
        free(text);
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory to read it", path);
    }
    const jebm_status status = jebm_csv_parse(name, text, size, out, err);
    free(name);
    return status;
}

void jebm_csv_free(jebm_csv *csv) {
    if (csv == NULL) {
        return;
    }
    free(csv->path);
    free(csv->text);
    free(csv->fields);
    free(csv);
}

size_t jebm_csv_rows(const jebm_csv *csv) {
    return csv->rows;
}

size_t jebm_csv_columns(const jebm_csv *csv) {
    return csv->columns;
}

const char *jebm_csv_name(const jebm_csv *csv, size_t column) {
    return csv->fields[column];
}

jebm_status jebm_csv_find(const jebm_csv *csv, const char *name, size_t *column, jebm_error *err) {
    char names[400] = "";
    size_t used = 0;
    for (size_t i = 0; i < csv->columns; i++) {
        if (strcmp(csv->fields[i], name) == 0) {
            *column = i;
            return JEBM_OK;
        }
        if (used < sizeof names) {
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? "," : "",
                                     csv->fields[i]);
        }
    }
    return jebm_fail(err, JEBM_EFORMAT, "%s:1: has no column '%s'; there are %s", csv->path, name,
                     names);
}

const char *jebm_csv_text(const jebm_csv *csv, size_t row, size_t column) {
    return csv->fields[(row + 1) * csv->columns + column];
}

/* strtod takes more than we write: leading blanks, hexadecimal, "infinity", "nan(...)" */
static bool parse_number(const char *text, double *value) {
    const char *digits = text + (*text == '-' || *text == '+');
    if (strcmp(digits, "nan") == 0 || strcmp(digits, "inf") == 0) {
        *value = digits[0] == 'n' ? NAN : *text == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (*digits == '\0' || strspn(digits, "0123456789.eE+-") != strlen(digits)) {
        return false;
    }
    char *end;
    *value = strtod(text, &end);
    return *end == '\0' && isfinite(*value);
}

jebm_status jebm_csv_numbers(const jebm_csv *csv, size_t column, double *values, jebm_error *err) {
    for (size_t row = 0; row < csv->rows; row++) {
        const char *text = jebm_csv_text(csv, row, column);
        if (!parse_number(text, &values[row])) {
            return jebm_fail(err, JEBM_EFORMAT,
                             "%s:%zu: column '%s' holds '%.40s'; expected a number", csv->path,
                             row + 2, csv->fields[column], text);
        }
    }
    return JEBM_OK;
}
