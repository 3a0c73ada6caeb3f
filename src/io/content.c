/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/content.h"

#include "io/atomic_file.h"
#include "io/source.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define ADVICE "; copy it anew"

static jebm_status no_memory(const char *path, jebm_error *err) {
    return jebm_fail(err, JEBM_ENOMEM, "%s: does not fit into memory", path);
}

static char *packed_name(const char *path) {
    char *name = malloc(strlen(path) + sizeof JEBM_PACKED_SUFFIX);
    if (name != NULL) {
        strcpy(name, path);
        strcat(name, JEBM_PACKED_SUFFIX);
    }
    return name;
}

bool jebm_content_packed(const char *path) {
    char *name = access(path, F_OK) != 0 ? packed_name(path) : NULL;
    const bool packed = name != NULL && access(name, F_OK) == 0;
    free(name);
    return packed;
}

char *jebm_content_name(const char *path) {
    return jebm_content_packed(path) ? packed_name(path) : strdup(path);
}

/* All that a source has left, in a buffer that doubles. */
static jebm_status take_all(jebm_source *source, const char *name, char **bytes, size_t *size,
                            jebm_error *err) {
    size_t room = 1 << 16, used = 0;
    char *buffer = malloc(room + 1);
    jebm_status status = JEBM_OK;
    while (buffer != NULL && status == JEBM_OK) {
        size_t got = 0;
        status = jebm_source_take(source, (unsigned char *)buffer + used, room - used, &got, err);
        used += got;
        if (status != JEBM_OK || used < room) {
            break;
        }
        room *= 2;
        char *grown = room < SIZE_MAX / 2 ? realloc(buffer, room + 1) : NULL;
        if (grown == NULL) {
            free(buffer);
        }
        buffer = grown;
    }
    if (buffer == NULL) {
        return no_memory(name, err);
    }
    if (status != JEBM_OK) {
        free(buffer);
        return status;
    }
    buffer[used] = '\0';
    *bytes = buffer;
    *size = used;
    return JEBM_OK;
}

jebm_status jebm_content_read(const char *path, char **bytes, size_t *size, jebm_error *err) {
    *bytes = NULL;
    *size = 0;
    char *name = jebm_content_name(path);
    if (name == NULL) {
        return no_memory(path, err);
    }
    FILE *stream = fopen(name, "rb");
    jebm_status status = JEBM_OK;
    if (stream == NULL) {
        status = jebm_fail(err, JEBM_EIO, "%s: cannot be opened: %s", name, strerror(errno));
    } else {
        jebm_source *source;
        status = jebm_source_open(stream, name, ADVICE, NULL, &source, err);
        if (status == JEBM_OK) {
            status = take_all(source, name, bytes, size, err);
        }
        jebm_source_close(source);
        fclose(stream);
    }
    free(name);
    return status;
}

jebm_status jebm_content_digest(const char *path, char text[JEBM_DIGEST_TEXT], jebm_error *err) {
    char *bytes;
    size_t size;
    JEBM_TRY(jebm_content_read(path, &bytes, &size, err));
    jebm_digest_bytes(bytes, size, text);
    free(bytes);
    return JEBM_OK;
}

/* gzip with no name and no time in its header */
static jebm_status deflate_all(const char *path, const char *bytes, size_t size,
                               unsigned char **packed, size_t *length, jebm_error *err) {
    z_stream z = {0};
    if (size > UINT32_MAX / 2) {
        return jebm_fail(err, JEBM_EINVAL, "%s: has %zu bytes; expected at most 2^31 to compress",
                         path, size);
    }
    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        return no_memory(path, err);
    }
    const uLong room = deflateBound(&z, (uLong)size);
    *packed = malloc(room);
    jebm_status status = JEBM_OK;
    if (*packed == NULL) {
        status = no_memory(path, err);
    } else {
        z.next_in = (unsigned char *)bytes;
        z.avail_in = (uInt)size;
        z.next_out = *packed;
        z.avail_out = (uInt)room;
        deflate(&z, Z_FINISH); // room is enough for all of it
        *length = z.total_out;
    }
    deflateEnd(&z);
    return status;
}

/* Write target, see that it holds the bytes, remove source. */
static jebm_status replace(const char *source, const char *target, const void *stored,
                           size_t length, const char *bytes, size_t size, jebm_error *err) {
    char *back;
    size_t n;
    JEBM_TRY(jebm_atomic_write(target, stored, length, err));
    JEBM_TRY(jebm_content_read(target, &back, &n, err));
    const bool same = n == size && memcmp(back, bytes, size) == 0;
    free(back);
    if (!same) {
        return jebm_fail(err, JEBM_EIO, "%s: does not read back as %s; nothing was removed", target,
                         source);
    }
    return unlink(source) == 0
               ? JEBM_OK
               : jebm_fail(err, JEBM_EIO, "%s: cannot be removed: %s", source, strerror(errno));
}

/* A link to a file becomes one to what that file becomes. */
static jebm_status move_link(const char *from, const char *to, bool pack, jebm_error *err) {
    char target[4096];
    const size_t suffix = strlen(JEBM_PACKED_SUFFIX);
    const ssize_t n = readlink(from, target, sizeof target - suffix - 1);
    if (n < 0 || (!pack && (size_t)n <= suffix)) {
        return jebm_fail(err, JEBM_EIO, "%s: is no link that can be followed", from);
    }
    target[n] = '\0';
    if (pack) {
        strcat(target, JEBM_PACKED_SUFFIX);
    } else {
        target[(size_t)n - suffix] = '\0';
    }
    if (symlink(target, to) != 0 || unlink(from) != 0) {
        return jebm_fail(err, JEBM_EIO, "%s: cannot be linked to %s: %s", to, target,
                         strerror(errno));
    }
    return JEBM_OK;
}

static bool is_link(const char *path) {
    char first;
    return readlink(path, &first, 1) >= 0;
}

static jebm_status pack(const char *path, const char *name, jebm_error *err) {
    char *bytes;
    unsigned char *packed = NULL;
    size_t size, length = 0;
    JEBM_TRY(jebm_content_read(path, &bytes, &size, err));
    jebm_status status = deflate_all(path, bytes, size, &packed, &length, err);
    if (status == JEBM_OK) {
        status = replace(path, name, packed, length, bytes, size, err);
    }
    free(packed);
    free(bytes);
    return status;
}

static jebm_status unpack(const char *path, const char *name, jebm_error *err) {
    char *bytes;
    size_t size;
    JEBM_TRY(jebm_content_read(path, &bytes, &size, err));
    const jebm_status status = replace(name, path, bytes, size, bytes, size, err);
    free(bytes);
    return status;
}

jebm_status jebm_content_pack(const char *path, jebm_error *err) {
    char *name = packed_name(path);
    if (name == NULL) {
        return no_memory(path, err);
    }
    const jebm_status status =
        is_link(path) ? move_link(path, name, true, err) : pack(path, name, err);
    free(name);
    return status;
}

jebm_status jebm_content_unpack(const char *path, jebm_error *err) {
    char *name = packed_name(path);
    if (name == NULL) {
        return no_memory(path, err);
    }
    const jebm_status status =
        is_link(name) ? move_link(name, path, false, err) : unpack(path, name, err);
    free(name);
    return status;
}
