/* Random mini-batches without state: a keyed bijection of [0, n), so that the first m images of
 * iteration k are m distinct walkers in O(m), whatever was drawn before.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_BATCH_H
#define JEBM_BATCH_H

#include "core/rng.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JEBM_SHUFFLE_ROUNDS 16 /* at most; a multiple of 4 */

typedef struct jebm_shuffle {
    uint32_t key[JEBM_SHUFFLE_ROUNDS]; /* of each round */
    uint32_t rounds;
    uint32_t n;
    unsigned half; /* bits of one half of the Feistel network's block */
} jebm_shuffle;

/* The bijection of [0, n) for iteration `step`; 0 < n < 2^32. */
JEBM_API jebm_shuffle jebm_shuffle_make(jebm_rng rng, uint64_t step, uint32_t n);

/* Image of i < n. */
JEBM_API uint32_t jebm_shuffle_at(const jebm_shuffle *s, uint32_t i);

#ifdef __cplusplus
}
#endif

#endif
