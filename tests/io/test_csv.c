/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/csv.h"

#include "scratch.h"

#include <math.h>

static jebm_status read_text(const scratch *s, const char *text, size_t size, jebm_csv **csv,
                             jebm_error *err) {
    const char *path = scratch_path(s, "t.csv");
    scratch_put(path, text, size);
    return jebm_csv_read(path, csv, err);
}

Test(csv, gives_texts_and_numbers_by_column_name) {
    const scratch s = scratch_new();
    const char text[] = "method,step,x\npcd,0,0.1\ncd,10,-inf\n-,18446744073709551615,nan\n";
    jebm_csv *csv;
    cr_assert_eq(read_text(&s, text, sizeof text - 1, &csv, NULL), JEBM_OK);
    cr_expect_eq(jebm_csv_rows(csv), 3);
    cr_expect_eq(jebm_csv_columns(csv), 3);
    cr_expect_str_eq(jebm_csv_name(csv, 1), "step");
    cr_expect_str_eq(jebm_csv_text(csv, 1, 0), "cd");
    size_t column;
    cr_assert_eq(jebm_csv_find(csv, "x", &column, NULL), JEBM_OK);
    double x[3];
    cr_assert_eq(jebm_csv_numbers(csv, column, x, NULL), JEBM_OK);
    cr_expect(x[0] == 0.1 && x[1] == -INFINITY && isnan(x[2]));
    jebm_error err;
    cr_expect_eq(jebm_csv_find(csv, "y", &column, &err), JEBM_EFORMAT);
    cr_expect_not_null(strstr(err.text, "has no column 'y'; there are method,step,x"));
    jebm_csv_free(csv);
    scratch_free(&s);
}

Test(csv, a_header_alone_is_a_table_without_rows) {
    const scratch s = scratch_new();
    jebm_csv *csv;
    cr_assert_eq(read_text(&s, "a,b\n", 4, &csv, NULL), JEBM_OK);
    cr_expect_eq(jebm_csv_rows(csv), 0);
    jebm_csv_free(csv);
    scratch_free(&s);
}

#define TEXT(t) t, sizeof t - 1
static const struct {
    const char *text;
    size_t size;
    const char *found;
} bad[] = {
    {TEXT(""), "t.csv: is empty"},
    {TEXT("a,b\n1,2\n3,4"), "t.csv:3: the last line is cut"},
    {TEXT("a,b\n1,2\n3\n"), "t.csv:3: has 1 field; expected 2"},
    {TEXT("a,b\n1,2,3\n4,5\n"), "t.csv:2: has 3 fields; expected 2"},
    {TEXT("a,b\n\n1,2\n"), "t.csv:2: has 1 field; expected 2"},
    {TEXT("a,a\n1,2\n"), "t.csv:1: columns 1 and 2 are both called 'a'"},
    {TEXT("a,\n1,2\n"), "t.csv:1: column 2 has no name"},
    {TEXT("a,b\r\n1,2\r\n"), "t.csv:1: holds a carriage return"},
    {TEXT("a,b\n\"1\",2\n"), "t.csv:2: holds a quote"},
    {TEXT("a,b\n1,\0002\n"), "t.csv:2: holds a 0 byte"},
};

Test(csv, whatever_is_no_such_table_is_refused_with_its_line) {
    const scratch s = scratch_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        jebm_csv *csv;
        jebm_error err = {0};
        cr_expect_eq(read_text(&s, bad[i].text, bad[i].size, &csv, &err), JEBM_EFORMAT, "%zu", i);
        cr_expect_null(csv);
        cr_expect_not_null(strstr(err.text, bad[i].found), "%zu: %s", i, err.text);
        cr_expect_null(strchr(err.text, '\n'));
    }
    jebm_csv *csv;
    cr_expect_eq(jebm_csv_read(scratch_path(&s, "none.csv"), &csv, NULL), JEBM_EIO);
    cr_expect_eq(jebm_csv_read(s.directory, &csv, NULL), JEBM_EIO);
    scratch_free(&s);
}

Test(csv, a_field_that_is_no_number_is_refused_with_its_line) {
    static const char *const fields[] = {"",         "x",    "1x",   " 1",  "1 ", "0x10",
                                         "1e999",    "nan(", "1..2", "--1", "1e", "+",
                                         "infinity", "1e+",  ".",    "NaN", "1-2"};
    const scratch s = scratch_new();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char text[64];
        const int size = snprintf(text, sizeof text, "a,b\n1,2\n1,%s\n", fields[i]);
        jebm_csv *csv;
        cr_assert_eq(read_text(&s, text, (size_t)size, &csv, NULL), JEBM_OK);
        double x[2];
        jebm_error err = {0};
        cr_expect_eq(jebm_csv_numbers(csv, 1, x, &err), JEBM_EFORMAT, "'%s'", fields[i]);
        cr_expect_not_null(strstr(err.text, "t.csv:3: column 'b' holds '"), "%s", err.text);
        jebm_csv_free(csv);
    }
    scratch_free(&s);
}
