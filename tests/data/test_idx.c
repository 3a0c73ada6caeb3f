/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/idx.h"

#include "idx_file.h"

#include <sys/resource.h>

static const uint8_t pixels[12] = {0, 1, 2, 3, 4, 5, 127, 128, 200, 253, 254, 255};

/* Two images of 2 x 3. */
static idx_file sample(void) {
    return idx_images(2, 2, 3, pixels);
}

static void expect_sample(const char *path) {
    jebm_idx idx;
    jebm_error err = {0};
    cr_assert_eq(jebm_idx_read(path, 3, &idx, NULL, &err), JEBM_OK, "%s", err.text);
    cr_expect(idx.rank == 3 && idx.shape[0] == 2 && idx.shape[1] == 2 && idx.shape[2] == 3);
    cr_expect_arr_eq(idx.data, pixels, sizeof pixels);
    jebm_idx_free(&idx);
}

Test(idx, plain_and_gzip_give_the_same_bytes_whatever_the_name) {
    const scratch s = scratch_new();
    const idx_file f = sample();
    idx_save(scratch_path(&s, "plain.gz"), &f);
    expect_sample(scratch_path(&s, "plain.gz"));
    idx_save_gzip(scratch_path(&s, "packed"), &f);
    expect_sample(scratch_path(&s, "packed"));
    scratch_free(&s);
}

/* longer than any buffer of the reader, so that content straddles them */
Test(idx, a_large_file_comes_back_whole) {
    const scratch s = scratch_new();
    const uint32_t n = 300001;
    idx_file head = idx_head(1, &n);
    uint8_t *labels = malloc(n);
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223;
        labels[i] = (uint8_t)(state >> 24);
    }
    gzFile out = gzopen(scratch_path(&s, "a.gz"), "wb");
    FILE *plain = fopen(scratch_path(&s, "a"), "wb");
    cr_assert(out != NULL && plain != NULL);
    gzwrite(out, head.bytes, (unsigned)head.size);
    gzwrite(out, labels, n);
    gzclose(out);
    fwrite(head.bytes, 1, head.size, plain);
    fwrite(labels, 1, n, plain);
    fclose(plain);
    for (size_t i = 0; i < 2; i++) {
        jebm_idx idx;
        cr_assert_eq(jebm_idx_read(scratch_path(&s, i == 0 ? "a" : "a.gz"), 1, &idx, NULL, NULL),
                     JEBM_OK);
        cr_expect_eq(idx.shape[0], n);
        cr_expect_eq(memcmp(idx.data, labels, n), 0);
        jebm_idx_free(&idx);
    }
    free(labels);
    scratch_free(&s);
}

Test(idx, the_digest_is_that_of_the_uncompressed_content) {
    const scratch s = scratch_new();
    const idx_file f = sample();
    idx_save_gzip(scratch_path(&s, "a"), &f);
    jebm_digest digest;
    jebm_digest_init(&digest);
    jebm_idx idx;
    cr_assert_eq(jebm_idx_read(scratch_path(&s, "a"), 3, &idx, &digest, NULL), JEBM_OK);
    char found[JEBM_DIGEST_TEXT], expected[JEBM_DIGEST_TEXT];
    jebm_digest_text(&digest, found);
    jebm_digest_bytes(f.bytes, f.size, expected);
    cr_expect_str_eq(found, expected);
    jebm_idx_free(&idx);
    scratch_free(&s);
}

/* One refusal: the status, the words, one line, nothing held. */
static void expect_refused(const char *path, jebm_status expected, const char *words) {
    jebm_idx idx = {.rank = 9};
    jebm_error err = {0};
    cr_expect_eq(jebm_idx_read(path, 3, &idx, NULL, &err), expected, "%s: %s", words, err.text);
    cr_expect_not_null(strstr(err.text, words), "expected '%s' in: %s", words, err.text);
    cr_expect_null(strchr(err.text, '\n'));
    cr_expect(idx.data == NULL && idx.rank == 0);
}

Test(idx, a_foreign_header_is_refused_with_byte_found_and_expected) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "a");
    const struct {
        size_t at;
        uint8_t byte;
        const char *words;
    } cases[] = {
        {0, '<', "a: byte 0: found 3c 00 08 03, expected 00 00 08 03 of an IDX file of images"},
        {1, 1, "byte 0: found 00 01 08 03"},
        {2, 0x0d, "byte 2: found element type 0x0d, expected 0x08 (unsigned byte)"},
        {3, 1, "byte 3: found rank 1 (labels), expected 3 (images); were files swapped?"},
        {3, 255, "byte 3: found rank 255 (neither labels nor images)"},
        {7, 0, "byte 4: found extent 0 of dimension 0, expected at least 1"},
        {15, 0, "byte 12: found extent 0 of dimension 2"},
        {4, 0xff,
         "byte 4: found extent 4278190082 of dimension 0, expected at least 1 and at most "
         "2^30 elements"},
        {8, 0x7f, "byte 8: found extent 2130706434 of dimension 1"},
        {12, 0x40, "byte 12: found extent 1073741827 of dimension 2"},
    };
    for (size_t gzip = 0; gzip < 2; gzip++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            idx_file f = sample();
            f.bytes[cases[i].at] = cases[i].byte;
            (gzip ? idx_save_gzip : idx_save)(path, &f);
            expect_refused(path, JEBM_EFORMAT, cases[i].words);
        }
    }
    scratch_free(&s);
}

Test(idx, a_file_cut_anywhere_is_refused_where_it_ends) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "a");
    const idx_file whole = sample();
    for (size_t gzip = 0; gzip < 2; gzip++) {
        for (size_t size = 0; size < whole.size; size++) {
            idx_file f = whole;
            f.size = size;
            (gzip ? idx_save_gzip : idx_save)(path, &f);
            char words[128] = "is empty; expected an IDX file of images";
            if (size > 0) {
                snprintf(words, sizeof words, "byte %zu: the content ends there, expected %s", size,
                         size < 16 ? "an IDX header of 16 bytes" : "12 elements");
            }
            expect_refused(path, JEBM_EFORMAT, words);
        }
    }
    scratch_free(&s);
}

Test(idx, bytes_after_the_end_are_refused) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "a");
    idx_file f = sample();
    idx_put(&f, 1, (const uint8_t[]){0});
    idx_save(path, &f);
    expect_refused(path, JEBM_EFORMAT,
                   "byte 28: more bytes follow, expected the end after 12 elements");
    idx_save_gzip(path, &f);
    expect_refused(path, JEBM_EFORMAT, "byte 28: more bytes follow");
    scratch_free(&s);
}

/* the sample as a gzip file; returns its bytes, the caller's to free */
static char *put_gzip(const char *path, size_t *size) {
    const idx_file f = sample();
    idx_save_gzip(path, &f);
    return scratch_get(path, size);
}

Test(idx, a_gzip_file_cut_anywhere_is_refused) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "a");
    size_t size = 0;
    char *bytes = put_gzip(path, &size);
    for (size_t cut = 2; cut < size; cut++) {
        scratch_put(path, bytes, cut);
        char words[128];
        snprintf(words, sizeof words, "byte %zu of the gzip file: the file ends there", cut);
        expect_refused(path, JEBM_EFORMAT, words);
    }
    free(bytes);
    scratch_free(&s);
}

/* gzip's CRC-32 and length cover the content; bits without meaning are in its header (flags, time,
 * system: bytes 3 to 9) and behind the last code, just before CRC-32 and length (8 bytes) */
Test(idx, a_bit_flipped_in_a_gzip_file_is_refused_or_changes_nothing) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "a");
    size_t size = 0;
    char *bytes = put_gzip(path, &size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        const size_t byte = bit / 8;
        bytes[byte] = (char)(bytes[byte] ^ (1 << bit % 8));
        scratch_put(path, bytes, size);
        bytes[byte] = (char)(bytes[byte] ^ (1 << bit % 8));
        jebm_idx idx;
        jebm_error err = {0};
        if (jebm_idx_read(path, 3, &idx, NULL, &err) == JEBM_OK) {
            cr_expect((byte >= 3 && byte <= 9) || byte == size - 9, "bit %zu", bit);
            cr_expect_arr_eq(idx.data, pixels, sizeof pixels);
        } else {
            cr_expect_eq(err.status, JEBM_EFORMAT);
            cr_expect_not_null(strstr(err.text, ": byte "), "bit %zu: %s", bit, err.text);
        }
        jebm_idx_free(&idx);
    }
    free(bytes);
    scratch_free(&s);
}

Test(idx, what_follows_the_gzip_data_is_refused) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "a");
    size_t size = 0;
    char *bytes = put_gzip(path, &size);
    char *twice = malloc(2 * size);
    memcpy(twice, bytes, size);
    memcpy(twice + size, bytes, size);
    for (size_t more = 1; more <= size; more += size - 1) {
        scratch_put(path, twice, size + more);
        char words[128];
        snprintf(words, sizeof words,
                 "byte %zu of the gzip file: more bytes follow the end of the content", size);
        expect_refused(path, JEBM_EFORMAT, words);
    }
    free(twice);
    free(bytes);
    scratch_free(&s);
}

/* 2^30 elements promised, none there: a process that may not hold half of that is told that the
 * file is cut, not that memory ran out */
Test(idx, a_header_alone_allocates_nothing_of_what_it_claims) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "a");
    const uint32_t extents[3] = {1U << 10, 1U << 10, 1U << 10};
    const idx_file f = idx_head(3, extents);
    idx_save(path, &f);
#ifndef __SANITIZE_ADDRESS__ // its shadow memory alone is larger
    setrlimit(RLIMIT_AS, &(struct rlimit){.rlim_cur = 1U << 29, .rlim_max = 1U << 29});
#endif
    expect_refused(path, JEBM_EFORMAT, "byte 16: the content ends there, expected 1073741824");
    scratch_free(&s);
}

Test(idx, what_cannot_be_read_is_an_error_of_input) {
    const scratch s = scratch_new();
    expect_refused(scratch_path(&s, "none"), JEBM_EIO,
                   "none: cannot be opened: No such file or directory");
    expect_refused(s.directory, JEBM_EIO, "cannot be read: Is a directory");
    jebm_idx idx;
    jebm_error err = {0};
    cr_expect_eq(jebm_idx_read("a", 4, &idx, NULL, &err), JEBM_EIO);
    cr_expect_eq(jebm_idx_read_stream(stdin, "a", 4, &idx, NULL, &err), JEBM_EINVAL);
    cr_expect_eq(jebm_idx_read_stream(stdin, "a", 0, &idx, NULL, &err), JEBM_EINVAL);
    scratch_free(&s);
}
