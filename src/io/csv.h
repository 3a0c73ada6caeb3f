/* A strict reader of the CSVs that this project writes: one header line, the same number of fields
 * on every line, a newline at the end of the last one, no quoting. Whatever differs is refused with
 * a line that says where.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_IO_CSV_H
#define JEBM_IO_CSV_H

#include "core/status.h"

#include <stdbool.h>

typedef struct jebm_csv jebm_csv;

/* Read a file, or PATH.gz where there is no PATH; *csv is the caller's to free and NULL on failure.
 *
 * Errors   JEBM_EIO if it cannot be read; JEBM_EFORMAT, naming file and line, for an empty file, a
 *          cut last line, another number of fields, a name twice, a quote, a CR or a 0 byte; what
 *          jebm_content_read() returns for a damaged PATH.gz. */
JEBM_API jebm_status jebm_csv_read(const char *path, jebm_csv **csv, jebm_error *err);

/* The same for bytes at hand.
 *
 *   name  in              for messages
 *   text  [size + 1]      from malloc(), a 0 byte at the end; csv's from here on, whatever comes */
JEBM_API jebm_status jebm_csv_parse(const char *name, char *text, size_t size, jebm_csv **csv,
                                    jebm_error *err);
JEBM_API void jebm_csv_free(jebm_csv *csv);

JEBM_API size_t jebm_csv_rows(const jebm_csv *csv); /* without the header */
JEBM_API size_t jebm_csv_columns(const jebm_csv *csv);
JEBM_API const char *jebm_csv_name(const jebm_csv *csv, size_t column);

/* Number of the column of that name. Errors   JEBM_EFORMAT, listing the columns there are. */
JEBM_API jebm_status jebm_csv_find(const jebm_csv *csv, const char *name, size_t *column,
                                   jebm_error *err);

/* A field as it stands. Borrowed, lives as long as csv. */
JEBM_API const char *jebm_csv_text(const jebm_csv *csv, size_t row, size_t column);

/* A column as numbers: decimal floating point, inf, -inf or nan, nothing before or after.
 *
 *   values  [rows]  out
 *
 * Errors   JEBM_EFORMAT at the first field that is no such number or too large for a double. */
JEBM_API jebm_status jebm_csv_numbers(const jebm_csv *csv, size_t column, double *values,
                                      jebm_error *err);

#endif
