/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/idx.h"

#include "io/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX (4 + 4 * JEBM_IDX_RANK)
#define UNSIGNED_BYTE 8
#define AGAIN "; fetch it anew (scripts/fetch-data)"

static const char *meaning(size_t rank) {
    return rank == 1 ? "labels" : rank == 3 ? "images" : "neither labels nor images";
}

static jebm_status check_magic(const char *name, const unsigned char *head, size_t rank,
                               jebm_error *err) {
    if (head[0] != 0 || head[1] != 0) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: byte 0: found %02x %02x %02x %02x, expected 00 00 08 %02zx of an IDX "
                         "file of %s" AGAIN,
                         name, head[0], head[1], head[2], head[3], rank, meaning(rank));
    }
    if (head[2] != UNSIGNED_BYTE) {
        return jebm_fail(
            err, JEBM_EFORMAT,
            "%s: byte 2: found element type 0x%02x, expected 0x08 (unsigned byte)" AGAIN, name,
            head[2]);
    }
    if (head[3] != rank) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: byte 3: found rank %u (%s), expected %zu (%s); were files swapped?",
                         name, head[3], meaning(head[3]), rank, meaning(rank));
    }
    return JEBM_OK;
}

static jebm_status read_extents(const char *name, const unsigned char *head, jebm_idx *out,
                                size_t *size, jebm_error *err) {
    *size = 1;
    for (size_t i = 0; i < out->rank; i++) {
        const unsigned char *b = head + 4 + 4 * i;
        const uint32_t extent =
            (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
        if (extent == 0 || extent > JEBM_IDX_SIZE_MAX / *size) {
            return jebm_fail(err, JEBM_EFORMAT,
                             "%s: byte %zu: found extent %lu of dimension %zu, expected at least 1 "
                             "and at most 2^30 elements in all" AGAIN,
                             name, 4 + 4 * i, (unsigned long)extent, i);
        }
        out->shape[i] = extent;
        *size *= extent;
    }
    return JEBM_OK;
}

static jebm_status read_head(jebm_source *s, const char *name, jebm_idx *out, size_t *size,
                             jebm_error *err) {
    unsigned char head[HEAD_MAX] = {0};
    const size_t length = 4 + 4 * out->rank;
    size_t got = 0;
    JEBM_TRY(jebm_source_take(s, head, 4, &got, err));
    if (got == 0) {
        return jebm_fail(err, JEBM_EFORMAT, "%s: is empty; expected an IDX file of %s" AGAIN, name,
                         meaning(out->rank));
    }
    if (got == 4) {
        JEBM_TRY(check_magic(name, head, out->rank, err));
        JEBM_TRY(jebm_source_take(s, head + 4, length - 4, &got, err));
        got += 4;
    }
    if (got < length) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: byte %zu: the content ends there, expected an IDX header of %zu "
                         "bytes" AGAIN,
                         name, got, length);
    }
    return read_extents(name, head, out, size, err);
}

/* Room doubles as bytes arrive: at most twice what is there, whatever the header claims. */
static jebm_status read_elements(jebm_source *s, const char *name, jebm_idx *out, size_t size,
                                 jebm_error *err) {
    size_t held = 0, room = 0;
    while (held < size) {
        if (held == room) {
            room = room == 0 ? JEBM_SOURCE_BUFFER : 2 * room;
            room = room < size ? room : size;
            uint8_t *grown = realloc(out->data, room);
            if (grown == NULL) {
                return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory for %zu bytes", name,
                                 room);
            }
            out->data = grown;
        }
        size_t got = 0;
        JEBM_TRY(jebm_source_take(s, out->data + held, room - held, &got, err));
        held += got;
        if (held < room) {
            return jebm_fail(err, JEBM_EFORMAT,
                             "%s: byte %llu: the content ends there, expected %zu elements after a "
                             "header of %zu bytes" AGAIN,
                             name, (unsigned long long)jebm_source_taken(s), size,
                             4 + 4 * out->rank);
        }
    }
    unsigned char more;
    size_t got = 0;
    const uint64_t end = jebm_source_taken(s);
    JEBM_TRY(jebm_source_take(s, &more, 1, &got, err));
    if (got > 0) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: byte %llu: more bytes follow, expected the end after %zu "
                         "elements" AGAIN,
                         name, (unsigned long long)end, size);
    }
    return JEBM_OK;
}

jebm_status jebm_idx_read_stream(FILE *stream, const char *name, size_t rank, jebm_idx *out,
                                 jebm_digest *digest, jebm_error *err) {
    memset(out, 0, sizeof *out);
    if (rank < 1 || rank > JEBM_IDX_RANK) {
        return jebm_fail(err, JEBM_EINVAL, "%s: rank %zu asked for, expected 1 to %d", name, rank,
                         JEBM_IDX_RANK);
    }
    size_t size = 0;
    jebm_source *s;
    JEBM_TRY(jebm_source_open(stream, name, AGAIN, digest, &s, err));
    out->rank = rank;
    jebm_status status = read_head(s, name, out, &size, err);
    if (status == JEBM_OK) {
        status = read_elements(s, name, out, size, err);
    }
    jebm_source_close(s);
    if (status != JEBM_OK) {
        jebm_idx_free(out);
    }
    return status;
}

jebm_status jebm_idx_read(const char *path, size_t rank, jebm_idx *out, jebm_digest *digest,
                          jebm_error *err) {
    memset(out, 0, sizeof *out);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return jebm_fail(err, JEBM_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    const jebm_status status = jebm_idx_read_stream(stream, path, rank, out, digest, err);
    fclose(stream);
    return status;
}

void jebm_idx_free(jebm_idx *idx) {
    free(idx->data);
    memset(idx, 0, sizeof *idx);
}
