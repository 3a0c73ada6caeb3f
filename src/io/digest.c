/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* FIPS 180-4, 4.2.2: fractional parts of the cube roots of the first 64 primes */
static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, unsigned n) {
    return x >> n | x << (32 - n);
}

static void compress(uint32_t state[8], const unsigned char block[64]) {
    uint32_t w[64];
    for (size_t t = 0; t < 16; t++) {
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | (uint32_t)block[4 * t + 3];
    }
    for (size_t t = 16; t < 64; t++) {
        const uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        const uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    uint32_t v[8];
    memcpy(v, state, sizeof v);
    for (size_t t = 0; t < 64; t++) {
        const uint32_t a = v[0], e = v[4];
        const uint32_t s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        const uint32_t t1 = v[7] + s1 + ((e & v[5]) ^ (~e & v[6])) + round_constant[t] + w[t];
        const uint32_t s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        const uint32_t t2 = s0 + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (size_t i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

void jebm_digest_init(jebm_digest *digest) {
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memset(digest, 0, sizeof *digest);
    memcpy(digest->state, initial, sizeof initial);
}

void jebm_digest_add(jebm_digest *digest, const void *bytes, size_t size) {
    const unsigned char *next = bytes;
    size_t held = (size_t)(digest->bytes % 64);
    digest->bytes += size;
    while (size > 0) {
        // whole blocks are taken where they lie
        if (held == 0 && size >= 64) {
            compress(digest->state, next);
            next += 64;
            size -= 64;
            continue;
        }
        const size_t take = size < 64 - held ? size : 64 - held;
        memcpy(digest->block + held, next, take);
        held += take;
        next += take;
        size -= take;
        if (held == 64) {
            compress(digest->state, digest->block);
            held = 0;
        }
    }
}

void jebm_digest_text(jebm_digest *digest, char text[JEBM_DIGEST_TEXT]) {
    static const unsigned char padding[64] = {0x80};
    const uint64_t bits = digest->bytes * 8;
    const size_t held = (size_t)(digest->bytes % 64);
    jebm_digest_add(digest, padding, held < 56 ? 56 - held : 120 - held);
    unsigned char length[8];
    for (size_t i = 0; i < 8; i++) {
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    }
    jebm_digest_add(digest, length, sizeof length);
    for (size_t i = 0; i < 8; i++) {
        snprintf(text + 8 * i, 9, "%08lx", (unsigned long)digest->state[i]);
    }
}

void jebm_digest_bytes(const void *bytes, size_t size, char text[JEBM_DIGEST_TEXT]) {
    jebm_digest digest;
    jebm_digest_init(&digest);
    jebm_digest_add(&digest, bytes, size);
    jebm_digest_text(&digest, text);
}

jebm_status jebm_digest_file(const char *path, char text[JEBM_DIGEST_TEXT], jebm_error *err) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return jebm_fail(err, JEBM_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    jebm_digest digest;
    jebm_digest_init(&digest);
    unsigned char buffer[16384];
    size_t got;
    while ((got = fread(buffer, 1, sizeof buffer, stream)) > 0) {
        jebm_digest_add(&digest, buffer, got);
    }
    const int failed = ferror(stream);
    const int reason = errno;
    fclose(stream);
    if (failed) {
        return jebm_fail(err, JEBM_EIO, "%s: cannot be read: %s", path, strerror(reason));
    }
    jebm_digest_text(&digest, text);
    return JEBM_OK;
}
