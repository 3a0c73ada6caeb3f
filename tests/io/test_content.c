/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/content.h"

#include "io/csv.h"

#include "scratch.h"

#include <unistd.h>

static scratch s;
static char path[512], packed[512];

static void setup(void) {
    s = scratch_new();
    snprintf(path, sizeof path, "%s/t.csv", s.directory);
    snprintf(packed, sizeof packed, "%s/t.csv.gz", s.directory);
}

static void teardown(void) {
    scratch_free(&s);
}

TestSuite(content, .init = setup, .fini = teardown);

static const char rows[] = "method,step,x\npcd,0,0.1\npcd,1,0.1\npcd,2,0.25\ncd,0,0.1\ncd,1,nan\n";
enum { SIZE = sizeof rows - 1 };

static void expect_rows(void) {
    char *bytes;
    size_t size;
    jebm_error err = {0};
    cr_assert_eq(jebm_content_read(path, &bytes, &size, &err), JEBM_OK, "%s", err.text);
    cr_expect_eq(size, SIZE);
    cr_expect_str_eq(bytes, rows);
    free(bytes);
}

Test(content, is_the_same_whichever_way_it_is_stored) {
    char plain[JEBM_DIGEST_TEXT], digest[JEBM_DIGEST_TEXT];
    scratch_put(path, rows, SIZE);
    expect_rows();
    cr_expect_not(jebm_content_packed(path));
    cr_assert_eq(jebm_content_digest(path, plain, NULL), JEBM_OK);
    cr_assert_eq(jebm_content_pack(path, NULL), JEBM_OK);
    cr_expect(access(path, F_OK) != 0 && access(packed, F_OK) == 0);
    cr_expect(jebm_content_packed(path));
    expect_rows();
    cr_assert_eq(jebm_content_digest(path, digest, NULL), JEBM_OK);
    cr_expect_str_eq(digest, plain);
    cr_assert_eq(jebm_content_unpack(path, NULL), JEBM_OK);
    cr_expect(access(path, F_OK) == 0 && access(packed, F_OK) != 0);
    expect_rows();
}

Test(content, any_gzip_reads_what_was_packed_and_equal_bytes_give_equal_files) {
    char command[1200];
    size_t n[2];
    char *bytes[2];
    for (size_t i = 0; i < 2; i++) {
        scratch_put(path, rows, SIZE);
        cr_assert_eq(jebm_content_pack(path, NULL), JEBM_OK);
        bytes[i] = scratch_get(packed, &n[i]);
        sleep(i == 0); // gzip's header could hold a time
    }
    cr_expect(n[0] == n[1] && memcmp(bytes[0], bytes[1], n[0]) == 0);
    free(bytes[0]);
    free(bytes[1]);
    snprintf(command, sizeof command, "gzip -dc '%s' > '%s/back'", packed, s.directory);
    cr_assert_eq(system(command), 0);
    char *back = scratch_get(scratch_path(&s, "back"), NULL);
    cr_expect_str_eq(back, rows);
    free(back);
}

Test(content, a_cut_file_is_refused_wherever_it_was_cut) {
    size_t size;
    scratch_put(path, rows, SIZE);
    cr_assert_eq(jebm_content_pack(path, NULL), JEBM_OK);
    char *whole = scratch_get(packed, &size);
    // what is shorter than gzip's mark is no gzip file, but no CSV either
    for (size_t n = 0; n < size; n++) {
        scratch_put(packed, whole, n);
        jebm_csv *csv;
        jebm_error err = {0};
        cr_expect_eq(jebm_csv_read(path, &csv, &err), JEBM_EFORMAT, "%zu of %zu bytes", n, size);
        cr_expect_null(csv);
        cr_expect_not_null(strstr(err.text, "t.csv.gz"), "%s", err.text);
        cr_expect_null(strchr(err.text, '\n'));
        if (n >= 2) {
            cr_expect_not_null(strstr(err.text, "copy it anew"), "%s", err.text);
        }
    }
    free(whole);
}

Test(content, a_flipped_bit_never_changes_what_is_read) {
    size_t size, refused = 0;
    scratch_put(path, rows, SIZE);
    cr_assert_eq(jebm_content_pack(path, NULL), JEBM_OK);
    char *whole = scratch_get(packed, &size);
    for (size_t bit = 8 * 3; bit < 8 * size; bit++) {
        whole[bit / 8] = (char)(whole[bit / 8] ^ (1 << bit % 8));
        scratch_put(packed, whole, size);
        whole[bit / 8] = (char)(whole[bit / 8] ^ (1 << bit % 8));
        char *bytes;
        size_t n;
        const jebm_status status = jebm_content_read(path, &bytes, &n, NULL);
        refused += status == JEBM_EFORMAT;
        if (status == JEBM_OK) {
            cr_expect(n == SIZE && memcmp(bytes, rows, n) == 0, "bit %zu", bit);
        }
        free(bytes);
    }
    // all but those of time, compression level and system in the header, and a few unused ones
    cr_expect_geq(refused, 8 * (size - 10), "%zu of %zu bits", refused, 8 * size);
    free(whole);
}

Test(content, a_link_stays_a_link) {
    char other[512];
    snprintf(other, sizeof other, "%s/link.csv", s.directory);
    scratch_put(path, rows, SIZE);
    cr_assert_eq(symlink("t.csv", other), 0);
    cr_assert_eq(jebm_content_pack(path, NULL), JEBM_OK);
    cr_assert_eq(jebm_content_pack(other, NULL), JEBM_OK);
    cr_expect(jebm_content_packed(other));
    char target[64] = "";
    cr_expect_gt(readlink(scratch_path(&s, "link.csv.gz"), target, sizeof target - 1), 0);
    cr_expect_str_eq(target, "t.csv.gz");
    cr_assert_eq(jebm_content_unpack(path, NULL), JEBM_OK);
    cr_assert_eq(jebm_content_unpack(other, NULL), JEBM_OK);
    memset(target, 0, sizeof target);
    cr_expect_gt(readlink(other, target, sizeof target - 1), 0);
    cr_expect_str_eq(target, "t.csv");
}

Test(content, what_is_not_there_is_named) {
    jebm_error err = {0};
    char *bytes;
    size_t size;
    cr_expect_eq(jebm_content_read(path, &bytes, &size, &err), JEBM_EIO);
    cr_expect_not_null(strstr(err.text, "t.csv: cannot be opened"), "%s", err.text);
    cr_expect_eq(jebm_content_pack(path, &err), JEBM_EIO);
    cr_expect_eq(jebm_content_unpack(path, &err), JEBM_EIO);
}
