/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/batch.h"

jebm_shuffle jebm_shuffle_make(jebm_rng rng, uint64_t step, uint32_t n) {
    jebm_shuffle s = {.n = n, .half = 1};
    while (s.half < 16 && (UINT64_C(1) << (2 * s.half)) < n) {
        s.half++;
    }
    /* Narrow halves mix slowly: two more rounds divide what is left by 2^half. After 6 rounds the
     * frequencies of pairs are 2% off at half 3 and 8% at half 2. */
    s.rounds = s.half < 5 ? JEBM_SHUFFLE_ROUNDS : 6;
    for (uint32_t r = 0; r < s.rounds; r += 4) {
        jebm_rng_words(rng, r / 4, JEBM_LANE_BATCH, step, s.key + r);
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
        for (uint32_t r = 0; r < s->rounds; r++) {
            const uint32_t old = right;
            right = left ^ (mix(right + s->key[r]) & mask);
            left = old;
        }
        i = left << s->half | right;
    } while (i >= s->n);
    return i;
}
