/* IDX files made for a test, plain and gzip.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TESTS_IDX_FILE_H
#define JEBM_TESTS_IDX_FILE_H

#include "scratch.h"

#include <stdint.h>
#include <zlib.h>

typedef struct idx_file {
    size_t size;
    uint8_t bytes[4096];
} idx_file;

static inline void idx_put(idx_file *f, size_t n, const uint8_t *bytes) {
    cr_assert_leq(f->size + n, sizeof f->bytes);
    memcpy(f->bytes + f->size, bytes, n);
    f->size += n;
}

/* Header of a file of unsigned bytes. */
static inline idx_file idx_head(size_t rank, const uint32_t *extents) {
    idx_file f = {.size = 4, .bytes = {0, 0, 8, (uint8_t)rank}};
    for (size_t i = 0; i < rank; i++) {
        const uint32_t n = extents[i];
        idx_put(&f, 4,
                (const uint8_t[]){(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                                  (uint8_t)n});
    }
    return f;
}

static inline idx_file idx_images(uint32_t n, uint32_t height, uint32_t width,
                                  const uint8_t *pixels) {
    idx_file f = idx_head(3, (const uint32_t[]){n, height, width});
    idx_put(&f, (size_t)n * height * width, pixels);
    return f;
}

static inline idx_file idx_labels(uint32_t n, const uint8_t *labels) {
    idx_file f = idx_head(1, &n);
    idx_put(&f, n, labels);
    return f;
}

static inline void idx_save(const char *path, const idx_file *f) {
    scratch_put(path, f->bytes, f->size);
}

static inline void idx_save_gzip(const char *path, const idx_file *f) {
    gzFile out = gzopen(path, "wb");
    cr_assert_not_null(out);
    cr_assert_eq(gzwrite(out, f->bytes, (unsigned)f->size), (int)f->size);
    cr_assert_eq(gzclose(out), Z_OK);
}

#endif
