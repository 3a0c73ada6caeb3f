/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/batch.h"

jebm_shuffle jebm_shuffle_make(jebm_rng rng, uint64_t step, uint32_t n) {
    jebm_shuffle s = {.n = n, .half = 1};
    uint32_t words[8];
    jebm_rng_words(rng, 0, JEBM_LANE_BATCH, step, words);
    jebm_rng_words(rng, 1, JEBM_LANE_BATCH, step, words + 4);
    for (int r = 0; r < 6; r++) {
        s.key[r] = words[r];
    }
    while (s.half < 16 && (UINT64_C(1) << (2 * s.half)) < n) {
        s.half++;
    }
    return s;
}

/* finalizer of MurmurHash3: every input bit reaches every output bit */
static uint32_t mix(uint32_t v) {
    v ^= v >> 16;
    v *= 0x85ebca6bu;
    v ^= v >> 13;
    v *= 0xc2b2ae35u;
    return v ^ v >> 16;
}

uint32_t jebm_shuffle_at(const jebm_shuffle *s, uint32_t i) {
    const uint32_t mask = (UINT32_C(1) << s->half) - 1;
    /* the network permutes [0, 4^half); walking its cycle until it is back in [0, n) gives a
     * permutation of [0, n), after 4 rounds at most on average */
    do {
        uint32_t left = i >> s->half, right = i & mask;
        for (int r = 0; r < 6; r++) {
            const uint32_t old = right;
            right = left ^ (mix(right + s->key[r]) & mask);
            left = old;
        }
        i = left << s->half | right;
    } while (i >= s->n);
    return i;
}
