/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct jebm_source {
    FILE *stream;
    const char *name, *advice;
    jebm_digest *digest;
    uint64_t taken; /* bytes of content so far */
    bool gzip, ended; /* ended: gzip's checksum was seen, and was right */
    z_stream z;
    uint64_t loaded; /* bytes of the file so far, with those in buffer */
    size_t held; /* read ahead, where gzip does not hold them */
    unsigned char buffer[JEBM_SOURCE_BUFFER];
};

static jebm_status load(jebm_source *s, jebm_error *err) {
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

static jebm_status open_content(jebm_source *s, jebm_error *err) {
    JEBM_TRY(load(s, err));
    s->gzip = s->held >= 2 && s->buffer[0] == 0x1f && s->buffer[1] == 0x8b;
    if (s->gzip && inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK) {
        s->gzip = false;
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory to unpack it", s->name);
    }
    return JEBM_OK;
}

jebm_status jebm_source_open(FILE *stream, const char *name, const char *advice,
                             jebm_digest *digest, jebm_source **source, jebm_error *err) {
    *source = NULL;
    jebm_source *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "%s: not enough memory to read it", name);
    }
    s->stream = stream;
    s->name = name;
    s->advice = advice;
    s->digest = digest;
    const jebm_status status = open_content(s, err);
    if (status != JEBM_OK) {
        jebm_source_close(s);
        return status;
    }
    *source = s;
    return JEBM_OK;
}

void jebm_source_close(jebm_source *s) {
    if (s != NULL && s->gzip) {
        inflateEnd(&s->z);
    }
    free(s);
}

static jebm_status gzip_failed(const jebm_source *s, const char *what, jebm_error *err) {
    return jebm_fail(err, JEBM_EFORMAT, "%s: byte %llu of the gzip file: %s%s", s->name,
                     (unsigned long long)(s->loaded - s->z.avail_in), what, s->advice);
}

/* Unpack at least one byte into room, unless the content ends. */
static jebm_status unpack(jebm_source *s, jebm_error *err) {
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
static jebm_status copy(jebm_source *s, jebm_error *err) {
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

jebm_status jebm_source_take(jebm_source *s, unsigned char *bytes, size_t size, size_t *got,
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

uint64_t jebm_source_taken(const jebm_source *s) {
    return s->taken;
}
