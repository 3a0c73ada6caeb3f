/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/idx.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define HEAD_MAX (4 + 4 * JEBM_IDX_RANK)
#define UNSIGNED_BYTE 8
#define AGAIN "; fetch it anew (scripts/fetch-data)"

/* The uncompressed content of a file, from its start to its end. */
typedef struct source {
    FILE *stream;
    const char *name;
    jebm_digest *digest;
    uint64_t taken; /* bytes of content so far */
    bool gzip, ended; /* ended: gzip's checksum was seen, and was right */
    z_stream z;
    uint64_t loaded; /* bytes of the file so far, with those in buffer */
    size_t held; /* read ahead, where gzip does not hold them */
    unsigned char buffer[1 << 15];
} source;

static jebm_status load(source *s, jebm_error *err) {
    errno = 0;
    s->held = fread(s->buffer, 1, sizeof s->buffer, s->stream);
    if (ferror(s->stream)) {
        return jebm_fail(err, JEBM_EIO, "%s: cannot be read: %s", s->name, strerror(errno));
    }
    s->loaded += s->held;
    s->z.next_in = s->buffer;
    s->z.avail_in = (uInt)s->held;
    return JEBM_OK;
}

static jebm_status source_open(source *s, FILE *stream, const char *name, jebm_digest *digest,
                               jebm_error *err) {
    memset(s, 0, sizeof *s);
    s->stream = stream;
    s->name = name;
    s->digest = digest;
    JEBM_TRY(load(s, err));
    s->gzip = s->held >= 2 && s->buffer[0] == 0x1f && s->buffer[1] == 0x8b;
    if (s->gzip && inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK) {
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory to unpack it", name);
    }
    return JEBM_OK;
}

static void source_close(source *s) {
    if (s->gzip) {
        inflateEnd(&s->z);
    }
}

static jebm_status gzip_failed(const source *s, const char *what, jebm_error *err) {
    return jebm_fail(err, JEBM_EFORMAT, "%s: byte %llu of the gzip file: %s" AGAIN, s->name,
                     (unsigned long long)(s->loaded - s->z.avail_in), what);
}

/* Unpack at least one byte into room, unless the content ends. */
static jebm_status unpack(source *s, jebm_error *err) {
    const uInt room = s->z.avail_out;
    while (!s->ended && s->z.avail_out == room) {
        if (s->z.avail_in == 0) {
            JEBM_TRY(load(s, err));
        }
        if (s->z.avail_in == 0) {
            return gzip_failed(s, "the file ends there, in the middle of its content", err);
        }
        const int outcome = inflate(&s->z, Z_NO_FLUSH);
        if (outcome == Z_MEM_ERROR) {
            return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory to unpack it", s->name);
        }
        if (outcome != Z_OK && outcome != Z_STREAM_END) {
            return gzip_failed(s, s->z.msg != NULL ? s->z.msg : "is damaged", err);
        }
        s->ended = outcome == Z_STREAM_END;
    }
    if (s->ended && s->z.avail_in == 0) {
        JEBM_TRY(load(s, err));
    }
    if (s->ended && s->z.avail_in > 0) {
        return gzip_failed(s, "more bytes follow the end of the content", err);
    }
    return JEBM_OK;
}

/* Copy at least one byte into room, unless the content ends. */
static jebm_status copy(source *s, jebm_error *err) {
    if (s->z.avail_in == 0) {
        JEBM_TRY(load(s, err));
    }
    const uInt n = s->z.avail_in < s->z.avail_out ? s->z.avail_in : s->z.avail_out;
    memcpy(s->z.next_out, s->z.next_in, n);
    s->z.next_in += n;
    s->z.avail_in -= n;
    s->z.next_out += n;
    s->z.avail_out -= n;
    return JEBM_OK;
}

/* The next bytes of content; fewer than size where it ends. */
static jebm_status take(source *s, unsigned char *bytes, size_t size, size_t *got,
                        jebm_error *err) {
    *got = 0;
    while (*got < size) {
        const uInt room = size - *got < sizeof s->buffer ? (uInt)(size - *got) : sizeof s->buffer;
        s->z.next_out = bytes + *got;
        s->z.avail_out = room;
        JEBM_TRY(s->gzip ? unpack(s, err) : copy(s, err));
        const size_t n = room - s->z.avail_out;
        if (n == 0) {
            break;
        }
        if (s->digest != NULL) {
            jebm_digest_add(s->digest, bytes + *got, n);
        }
        *got += n;
        s->taken += n;
    }
    return JEBM_OK;
}

static const char *meaning(size_t rank) {
    return rank == 1 ? "labels" : rank == 3 ? "images" : "neither labels nor images";
}

static jebm_status check_magic(const source *s, const unsigned char *head, size_t rank,
                               jebm_error *err) {
    if (head[0] != 0 || head[1] != 0) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: byte 0: found %02x %02x %02x %02x, expected 00 00 08 %02zx of an IDX "
                         "file of %s" AGAIN,
                         s->name, head[0], head[1], head[2], head[3], rank, meaning(rank));
    }
    if (head[2] != UNSIGNED_BYTE) {
        return jebm_fail(
            err, JEBM_EFORMAT,
            "%s: byte 2: found element type 0x%02x, expected 0x08 (unsigned byte)" AGAIN, s->name,
            head[2]);
    }
    if (head[3] != rank) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: byte 3: found rank %u (%s), expected %zu (%s); were files swapped?",
                         s->name, head[3], meaning(head[3]), rank, meaning(rank));
    }
    return JEBM_OK;
}

static jebm_status read_extents(const source *s, const unsigned char *head, jebm_idx *out,
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
                             s->name, 4 + 4 * i, (unsigned long)extent, i);
        }
        out->shape[i] = extent;
        *size *= extent;
    }
    return JEBM_OK;
}

static jebm_status read_head(source *s, jebm_idx *out, size_t *size, jebm_error *err) {
    unsigned char head[HEAD_MAX] = {0};
    const size_t length = 4 + 4 * out->rank;
    size_t got = 0;
    JEBM_TRY(take(s, head, 4, &got, err));
    if (got == 0) {
        return jebm_fail(err, JEBM_EFORMAT, "%s: is empty; expected an IDX file of %s" AGAIN,
                         s->name, meaning(out->rank));
    }
    if (got == 4) {
        JEBM_TRY(check_magic(s, head, out->rank, err));
        JEBM_TRY(take(s, head + 4, length - 4, &got, err));
        got += 4;
    }
    if (got < length) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: byte %zu: the content ends there, expected an IDX header of %zu "
                         "bytes" AGAIN,
                         s->name, got, length);
    }
    return read_extents(s, head, out, size, err);
}

/* Room doubles as bytes arrive: at most twice what is there, whatever the header claims. */
static jebm_status read_elements(source *s, jebm_idx *out, size_t size, jebm_error *err) {
    size_t held = 0, room = 0;
    while (held < size) {
        if (held == room) {
            room = room == 0 ? sizeof s->buffer : 2 * room;
            room = room < size ? room : size;
            uint8_t *grown = realloc(out->data, room);
            if (grown == NULL) {
                return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory for %zu bytes", s->name,
                                 room);
            }
            out->data = grown;
        }
        size_t got = 0;
        JEBM_TRY(take(s, out->data + held, room - held, &got, err));
        held += got;
        if (held < room) {
            return jebm_fail(err, JEBM_EFORMAT,
                             "%s: byte %llu: the content ends there, expected %zu elements after a "
                             "header of %zu bytes" AGAIN,
                             s->name, (unsigned long long)s->taken, size, 4 + 4 * out->rank);
        }
    }
    unsigned char more;
    size_t got = 0;
    const uint64_t end = s->taken;
    JEBM_TRY(take(s, &more, 1, &got, err));
    if (got > 0) {
        return jebm_fail(err, JEBM_EFORMAT,
                         "%s: byte %llu: more bytes follow, expected the end after %zu "
                         "elements" AGAIN,
                         s->name, (unsigned long long)end, size);
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
    source *s = malloc(sizeof *s);
    if (s == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory to read it", name);
    }
    out->rank = rank;
    size_t size = 0;
    jebm_status status = source_open(s, stream, name, digest, err);
    if (status == JEBM_OK) {
        status = read_head(s, out, &size, err);
        if (status == JEBM_OK) {
            status = read_elements(s, out, size, err);
        }
        source_close(s);
    }
    free(s);
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
