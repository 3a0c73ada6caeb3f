/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/rng.h"

#include "core/isa.h"
#include "core/kernel.h"
#include "core/rng_internal.h"

#include <Random123/philox.h>
#include <assert.h>
#include <string.h>

static const jebm_rng_kernels *kernels(void) {
    static const jebm_rng_kernels *const table[JEBM_ISA_COUNT] = JEBM_PICK(jebm_rng_kernels);
    return table[jebm_isa_current()];
}

jebm_rng jebm_rng_make(uint64_t seed, uint64_t stream) {
    const philox4x32_ctr_t counter = {{(uint32_t)stream, (uint32_t)(stream >> 32), 0x6a65626du, 0}};
    const philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    const philox4x32_ctr_t hash = philox4x32(counter, key);
    return (jebm_rng){{hash.v[0], hash.v[1]}};
}

void jebm_rng_words(jebm_rng rng, uint32_t index, uint32_t lane, uint64_t step, uint32_t words[4]) {
    const philox4x32_ctr_t counter = {{index, lane, (uint32_t)step, (uint32_t)(step >> 32)}};
    const philox4x32_key_t key = {{rng.key[0], rng.key[1]}};
    const philox4x32_ctr_t out = philox4x32(counter, key);
    memcpy(words, out.v, 4 * sizeof words[0]);
}

double jebm_rng_uniform(jebm_rng rng, uint32_t index, uint32_t lane, uint64_t step) {
    uint32_t words[4];
    jebm_rng_words(rng, index / 2, lane, step, words);
    const uint32_t *half = words + 2 * (index % 2);
    const uint64_t bits = ((uint64_t)half[1] << 32 | half[0]) >> 12 | 0x3ff0000000000000u;
    double u;
    memcpy(&u, &bits, sizeof u);
    return 2.0 - u;
}

void jebm_rng_uniforms(jebm_rng rng, uint32_t lane, uint64_t step, size_t first, size_t n,
                       double *out) {
    assert(first % 2 == 0 && first + n <= UINT32_MAX);
    const jebm_rng_site site = {{rng.key[0], rng.key[1]}, lane, step};
    kernels()->uniforms(&site, (uint32_t)(first / 2), n / 2, out);
    if (n % 2 != 0) {
        out[n - 1] = jebm_rng_uniform(rng, (uint32_t)(first + n - 1), lane, step);
    }
}

void jebm_rng_normals(jebm_rng rng, uint32_t lane, uint64_t step, size_t first, size_t n, size_t d,
                      float scale, float *out) {
    const jebm_rng_site site = {{rng.key[0], rng.key[1]}, lane, step};
    const size_t nblocks = (d + 3) / 4;
    assert((first + n) * nblocks <= UINT32_MAX);
    float piece[4 * JEBM_NOISE_BLOCKS];
    for (size_t i = 0; i < n; i++) {
        const uint32_t base = (uint32_t)((first + i) * nblocks);
        for (size_t b = 0; b < nblocks; b += JEBM_NOISE_BLOCKS) {
            const size_t blocks = nblocks - b < JEBM_NOISE_BLOCKS ? nblocks - b : JEBM_NOISE_BLOCKS;
            const size_t columns = d - 4 * b < 4 * blocks ? d - 4 * b : 4 * blocks;
            kernels()->normals(&site, base + (uint32_t)b, blocks, scale, piece);
            memcpy(out + i * d + 4 * b, piece, columns * sizeof piece[0]);
        }
    }
}
