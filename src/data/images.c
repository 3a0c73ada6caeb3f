/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/images.h"

#include "data/idx.h"

#include <stdlib.h>
#include <string.h>

#define LABELS 10

void jebm_images_free(jebm_images *images) {
    free(images->x);
    free(images->label);
    memset(images, 0, sizeof *images);
}

static size_t dimension(const jebm_images *images) {
    return images->channels * images->height * images->width;
}

/* Room for out->n images, whose extents are set. */
static jebm_status allocate(jebm_images *out, jebm_error *err) {
    const size_t d = dimension(out);
    out->x = out->n <= SIZE_MAX / sizeof *out->x / d ? malloc(out->n * d * sizeof *out->x) : NULL;
    out->label = malloc(out->n);
    if (out->x == NULL || out->label == NULL) {
        const size_t n = out->n;
        jebm_images_free(out);
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory for %zu images of %zu numbers", n, d);
    }
    return JEBM_OK;
}

static jebm_status count_class(const jebm_images *images, uint8_t class, size_t wanted,
                               size_t *count, jebm_error *err) {
    size_t found = 0;
    for (size_t i = 0; i < images->n; i++) {
        found += images->label[i] == class;
    }
    if (found == 0 || found < wanted) {
        return jebm_fail(err, JEBM_EINVAL, "class %u has %zu images; %zu were asked for", class,
                         found, wanted > 0 ? wanted : 1);
    }
    *count = wanted > 0 ? wanted : found;
    return JEBM_OK;
}

/* Append the first count images of a class. */
static void append_class(const jebm_images *images, uint8_t class, size_t count, size_t at,
                         jebm_images *out) {
    const size_t d = dimension(images);
    for (size_t i = 0; count > 0; i++) {
        if (images->label[i] == class) {
            memcpy(out->x + at * d, images->x + i * d, d * sizeof *out->x);
            out->label[at++] = class;
            count--;
        }
    }
}

jebm_status jebm_images_select(const jebm_images *images, size_t nclasses, const uint8_t *classes,
                               const size_t *counts, jebm_images *out, jebm_error *err) {
    memset(out, 0, sizeof *out);
    if (nclasses == 0) {
        return jebm_fail(err, JEBM_EINVAL, "no classes of images were asked for");
    }
    size_t n = 0;
    for (size_t i = 0; i < nclasses; i++) {
        size_t count = 0;
        JEBM_TRY(count_class(images, classes[i], counts[i], &count, err));
        n += count;
    }
    *out = (jebm_images){
        .n = n, .channels = images->channels, .height = images->height, .width = images->width};
    JEBM_TRY(allocate(out, err));
    for (size_t i = 0, at = 0; i < nclasses; i++) {
        size_t count = 0;
        JEBM_TRY(count_class(images, classes[i], counts[i], &count, err));
        append_class(images, classes[i], count, at, out);
        at += count;
    }
    return JEBM_OK;
}

/* A label file that fits: as many as there are images, each a class. */
static jebm_status check_labels(const char *path, const jebm_idx *labels, const char *images_path,
                                size_t n, jebm_error *err) {
    if (labels->shape[0] != n) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: byte 4: found %zu labels, expected %zu as there are images in %s; "
                         "fetch both anew (scripts/fetch-data)",
                         path, labels->shape[0], n, images_path);
    }
    for (size_t i = 0; i < n; i++) {
        if (labels->data[i] >= LABELS) {
            return jebm_fail(err, JEBM_EFORMAT,
                             "%s: byte %zu: found label %u, expected 0 to %d; fetch it anew "
                             "(scripts/fetch-data)",
                             path, 8 + i, labels->data[i], LABELS - 1);
        }
    }
    return JEBM_OK;
}

static jebm_status scale(const jebm_idx *pixels, const jebm_idx *labels, jebm_images *out,
                         jebm_error *err) {
    *out = (jebm_images){.n = pixels->shape[0],
                         .channels = 1,
                         .height = pixels->shape[1],
                         .width = pixels->shape[2]};
    JEBM_TRY(allocate(out, err));
    memcpy(out->label, labels->data, out->n);
    float value[256];
    for (size_t i = 0; i < 256; i++) {
        value[i] = (float)((double)i / 127.5 - 1);
    }
    const size_t size = out->n * dimension(out);
    for (size_t i = 0; i < size; i++) {
        out->x[i] = value[pixels->data[i]];
    }
    return JEBM_OK;
}

static jebm_status read_pair(const char *images_path, const char *labels_path, jebm_images *out,
                             jebm_digest *digest, jebm_error *err) {
    jebm_idx pixels = {0}, labels = {0};
    jebm_status status = jebm_idx_read(images_path, 3, &pixels, digest, err);
    if (status == JEBM_OK) {
        status = jebm_idx_read(labels_path, 1, &labels, digest, err);
    }
    if (status == JEBM_OK) {
        status = check_labels(labels_path, &labels, images_path, pixels.shape[0], err);
    }
    if (status == JEBM_OK) {
        status = scale(&pixels, &labels, out, err);
    }
    jebm_idx_free(&pixels);
    jebm_idx_free(&labels);
    return status;
}

jebm_status jebm_mnist_load(const char *directory, jebm_split split, jebm_images *out,
                            char digest[JEBM_DIGEST_TEXT], jebm_error *err) {
    memset(out, 0, sizeof *out);
    char images[JEBM_PATH_SIZE], labels[JEBM_PATH_SIZE];
    JEBM_TRY(jebm_mnist_find(directory, split, images, labels, err));
    jebm_digest content;
    jebm_digest_init(&content);
    JEBM_TRY(read_pair(images, labels, out, &content, err));
    if (digest != NULL) {
        jebm_digest_text(&content, digest);
    }
    return JEBM_OK;
}
