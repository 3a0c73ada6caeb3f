/* The rows of an experiment: method, variant, run, step and the numbers observed there, in the
 * order in which they were appended; written as CSV and summarised over runs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_IO_TABLE_H
#define JEBM_IO_TABLE_H

#include "core/status.h"

#include <stdint.h>

typedef struct jebm_label {
    char *method, *variant;
} jebm_label;

typedef struct jebm_table {
    char **columns; /* [ncolumns] names of the numeric columns */
    size_t ncolumns;
    jebm_label *labels; /* [nlabels] each (method, variant) once */
    size_t nlabels;
    size_t rows, capacity;
    uint64_t *label, *run, *step; /* [rows] */
    double *values; /* [rows][ncolumns] */
} jebm_table;

/* Start an empty table. Names must be free of commas, quotes and control characters.
 *
 * Errors   JEBM_EINVAL for such a name, JEBM_ENOMEM; the table is then empty and holds nothing. */
JEBM_API jebm_status jebm_table_init(jebm_table *table, const char *const *columns, size_t ncolumns,
                                     jebm_error *err);
JEBM_API void jebm_table_free(jebm_table *table);

/* Number of the pair (method, variant), entered if it is new: 0, 1, ... in order of entry. */
JEBM_API jebm_status jebm_table_label(jebm_table *table, const char *method, const char *variant,
                                      uint64_t *label, jebm_error *err);

/* Append a row; values has ncolumns entries, NAN where one does not apply.
 *
 * Errors   JEBM_EINVAL for a label that was not entered, JEBM_ENOMEM; the table is then unchanged.
 */
JEBM_API jebm_status jebm_table_append(jebm_table *table, uint64_t label, uint64_t run,
                                       uint64_t step, const double *values, jebm_error *err);

/* Write `method,variant,run,step,<columns>` and every row, doubles as %.17g, NAN as nan. The file
 * appears whole or not at all (io/atomic_file.h). */
JEBM_API jebm_status jebm_table_write(const jebm_table *table, const char *path, jebm_error *err);

/* Write `method,variant,step,runs,` and for each column c `c_mean,c_se,c_min,c_max` over the runs
 * that reached the step; rows sorted by label, then step. se = standard deviation (n - 1) over
 * sqrt(n), nan for a single run. A value that is nan makes all four nan. */
JEBM_API jebm_status jebm_table_write_summary(const jebm_table *table, const char *path,
                                              jebm_error *err);

/* The summary's bytes, a 0 byte after them; the caller frees them. */
JEBM_API jebm_status jebm_table_summary(const jebm_table *table, char **text, size_t *size,
                                        jebm_error *err);

/* Read what jebm_table_write() wrote, the same numbers to the bit: the summary of the table read is
 * the summary of the table written. On failure the table is empty and holds nothing.
 *
 * Errors   what jebm_csv_read() and jebm_csv_numbers() return; JEBM_EFORMAT for other first columns
 *          or a run or step that is no whole number. */
JEBM_API jebm_status jebm_table_read(jebm_table *table, const char *path, jebm_error *err);

#endif
