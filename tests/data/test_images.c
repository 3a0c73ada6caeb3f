/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/images.h"

#include "idx_file.h"

#include <unistd.h>

#define N 12

static const uint8_t labels[N] = {2, 3, 6, 2, 9, 0, 6, 3, 2, 2, 6, 3};

/* Pixel j of image i; every value of a byte occurs. */
static uint8_t pixel(size_t i, size_t j) {
    return (uint8_t)(i * 24 + j);
}

/* A set of N images of 4 x 6, as plain or gzip files. */
static void write_part(const scratch *s, const char *part, bool gzip) {
    uint8_t pixels[N * 24];
    for (size_t i = 0; i < N * 24; i++) {
        pixels[i] = pixel(i / 24, i % 24);
    }
    const idx_file files[2] = {idx_images(N, 4, 6, pixels), idx_labels(N, labels)};
    for (size_t i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s-%s-ubyte%s", part, i == 0 ? "images-idx3" : "labels-idx1",
                 gzip ? ".gz" : "");
        (gzip ? idx_save_gzip : idx_save)(scratch_path(s, name), &files[i]);
    }
}

static void load(const scratch *s, jebm_images *images) {
    jebm_error err = {0};
    cr_assert_eq(jebm_mnist_load(s->directory, JEBM_TRAIN, images, NULL, &err), JEBM_OK, "%s",
                 err.text);
}

Test(images, pixels_are_scaled_to_minus_one_and_one_exactly) {
    const scratch s = scratch_new();
    write_part(&s, "train", false);
    jebm_images images;
    load(&s, &images);
    cr_expect(images.n == N && images.channels == 1 && images.height == 4 && images.width == 6);
    cr_expect_arr_eq(images.label, labels, N);
    bool least = false, most = false;
    for (size_t i = 0; i < N * 24; i++) {
        const uint8_t p = pixel(i / 24, i % 24);
        // the nearest float of the exact value, which is a ratio of small integers
        cr_expect_eq(images.x[i], (float)((2.0L * p - 255) / 255));
        least = least || (p == 0 && images.x[i] == -1.0F);
        most = most || (p == 255 && images.x[i] == 1.0F);
    }
    cr_expect(least && most);
    jebm_images_free(&images);
    cr_expect(images.x == NULL && images.n == 0);
    scratch_free(&s);
}

Test(images, both_parts_and_both_forms_load_and_plain_wins) {
    const scratch s = scratch_new();
    write_part(&s, "train", true);
    write_part(&s, "t10k", false);
    jebm_images images;
    char packed[JEBM_DIGEST_TEXT], plain[JEBM_DIGEST_TEXT];
    cr_assert_eq(jebm_mnist_load(s.directory, JEBM_TRAIN, &images, packed, NULL), JEBM_OK);
    jebm_images_free(&images);
    cr_assert_eq(jebm_mnist_load(s.directory, JEBM_TEST, &images, plain, NULL), JEBM_OK);
    jebm_images_free(&images);
    cr_expect_str_eq(packed, plain);
    scratch_put(scratch_path(&s, "t10k-images-idx3-ubyte.gz"), "no gzip", 7);
    cr_expect_eq(jebm_mnist_load(s.directory, JEBM_TEST, &images, NULL, NULL), JEBM_OK);
    jebm_images_free(&images);
    scratch_free(&s);
}

Test(images, the_digest_is_that_of_images_and_labels_one_after_the_other) {
    const scratch s = scratch_new();
    write_part(&s, "train", false);
    jebm_digest digest;
    jebm_digest_init(&digest);
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"};
    for (size_t i = 0; i < 2; i++) {
        size_t size = 0;
        char *bytes = scratch_get(scratch_path(&s, names[i]), &size);
        jebm_digest_add(&digest, bytes, size);
        free(bytes);
    }
    char expected[JEBM_DIGEST_TEXT], found[JEBM_DIGEST_TEXT];
    jebm_digest_text(&digest, expected);
    jebm_images images;
    cr_assert_eq(jebm_mnist_load(s.directory, JEBM_TRAIN, &images, found, NULL), JEBM_OK);
    cr_expect_str_eq(found, expected);
    jebm_images_free(&images);
    scratch_free(&s);
}

/* Status and words of loading what is in the directory now. */
static void expect_refused(const scratch *s, jebm_status expected, const char *words) {
    jebm_images images = {.n = 1};
    jebm_error err = {0};
    cr_expect_eq(jebm_mnist_load(s->directory, JEBM_TRAIN, &images, NULL, &err), expected, "%s",
                 err.text);
    cr_expect_not_null(strstr(err.text, words), "expected '%s' in: %s", words, err.text);
    cr_expect_null(strchr(err.text, '\n'));
    cr_expect(images.x == NULL && images.label == NULL && images.n == 0);
}

Test(images, files_that_do_not_belong_together_are_refused) {
    const scratch s = scratch_new();
    const char *path = scratch_path(&s, "train-labels-idx1-ubyte");
    write_part(&s, "train", false);
    idx_file f = idx_labels(N - 1, labels);
    idx_save(path, &f);
    expect_refused(&s, JEBM_EFORMAT,
                   "train-labels-idx1-ubyte: byte 4: found 11 labels, expected 12 as there are "
                   "images in ");
    f = idx_labels(N, labels);
    f.bytes[8 + 7] = 10;
    idx_save(path, &f);
    expect_refused(&s, JEBM_EFORMAT, "byte 15: found label 10, expected 0 to 9");
    cr_assert_eq(rename(scratch_path(&s, "train-images-idx3-ubyte"), path), 0);
    idx_save(scratch_path(&s, "train-images-idx3-ubyte"), &f);
    expect_refused(&s, JEBM_EFORMAT,
                   "train-images-idx3-ubyte: byte 3: found rank 1 (labels), "
                   "expected 3 (images); were files swapped?");
    scratch_free(&s);
}

Test(images, a_missing_file_is_named) {
    const scratch s = scratch_new();
    expect_refused(&s, JEBM_EIO,
                   "holds neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz that can "
                   "be read; fetch them (scripts/fetch-data)");
    write_part(&s, "train", true);
    unlink(scratch_path(&s, "train-labels-idx1-ubyte.gz"));
    expect_refused(&s, JEBM_EIO, "holds neither train-labels-idx1-ubyte nor ");
    scratch_free(&s);
}

Test(images, selection_is_by_class_then_in_file_order) {
    const scratch s = scratch_new();
    write_part(&s, "train", false);
    jebm_images images, chosen;
    load(&s, &images);
    cr_assert_eq(jebm_images_select(&images, 3, (const uint8_t[]){6, 2, 3},
                                    (const size_t[]){1, 3, 0}, &chosen, NULL),
                 JEBM_OK);
    static const size_t from[] = {2, 0, 3, 8, 1, 7, 11};
    cr_assert_eq(chosen.n, sizeof from / sizeof *from);
    cr_expect(chosen.channels == 1 && chosen.height == 4 && chosen.width == 6);
    for (size_t i = 0; i < chosen.n; i++) {
        cr_expect_eq(chosen.label[i], labels[from[i]]);
        cr_expect_eq(memcmp(chosen.x + 24 * i, images.x + 24 * from[i], 24 * sizeof *chosen.x), 0);
    }
    jebm_images_free(&images);
    jebm_images_free(&chosen);
    scratch_free(&s);
}

Test(images, a_class_with_too_few_images_is_refused) {
    const scratch s = scratch_new();
    write_part(&s, "train", false);
    jebm_images images, chosen;
    load(&s, &images);
    const struct {
        uint8_t class;
        size_t count;
        const char *words;
    } cases[] = {{2, 5, "class 2 has 4 images; 5 were asked for"},
                 {7, 0, "class 7 has 0 images; 1 were asked for"}};
    for (size_t i = 0; i < 2; i++) {
        jebm_error err = {0};
        cr_expect_eq(
            jebm_images_select(&images, 1, &cases[i].class, &cases[i].count, &chosen, &err),
            JEBM_EINVAL);
        cr_expect_str_eq(err.text, cases[i].words);
        cr_expect(chosen.x == NULL && chosen.n == 0);
    }
    cr_expect_eq(jebm_images_select(&images, 0, NULL, NULL, &chosen, NULL), JEBM_EINVAL);
    jebm_images_free(&images);
    scratch_free(&s);
}
