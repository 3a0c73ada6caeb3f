/* What is done to pixels between two products, kernel by kernel, where a whole network's gradients
 * do not show it: rounding to halves, and pools whose largest element is not the only one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/isa.h"
#include "core/rng.h"
#include "nn/layer_internal.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void on_every_isa(void (*check)(const jebm_layer_kernels *k)) {
    const jebm_isa best = jebm_isa_current();
    for (int isa = 0; isa <= (int)best; isa++) {
        if (jebm_isa_select((jebm_isa)isa) == JEBM_OK) {
            check(jebm_layers());
        }
    }
    jebm_isa_select(best);
}

static uint32_t bits_of(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* ---- halves -----------------------------------------------------------------------------------
 */

/* The nearer of the two halves around a finite v, the even one if both are as near, by comparing
 * distances in double; what lies half a step or more beyond the largest half is infinite. */
static uint16_t nearest_half(float v) {
    const uint32_t bits = bits_of(v), low = bits >> 16;
    const double below = float_of(low << 16);
    /* one step beyond the largest half there is only infinity: compare with where it would be */
    const double above =
        (low & 0x7fff) == 0x7f7f ? copysign(0x1p128, v) : (double)float_of((low + 1) << 16);
    const double down = fabs((double)v - below), up = fabs(above - (double)v);
    return (uint16_t)(down < up || (down == up && low % 2 == 0) ? low : low + 1);
}

enum { VALUES = 4096 + 37 };

/* known answers first, then floats of all sizes, then ties */
static float value(size_t i) {
    static const float known[] = {0.0f,
                                  -0.0f,
                                  1.0f,
                                  -1.0f,
                                  0x1.02p0f, /* a half */
                                  0x1.01p0f, /* a tie: down to the even 1 */
                                  0x1.03p0f, /* a tie: up to the even 1 + 2^-6 */
                                  0x1.010002p0f, /* above a tie */
                                  0x1.02fffep0f, /* below a tie */
                                  0x1.fep127f, /* the largest half */
                                  0x1.fefffep127f, /* the largest float that rounds to it */
                                  0x1.ffp127f, /* a tie with infinity */
                                  0x1.fffffep127f,
                                  0x1p-126f,
                                  0x1p-149f};
    if (i < sizeof known / sizeof *known) {
        return known[i];
    }
    uint32_t words[4];
    jebm_rng_words(jebm_rng_make(11, 0), (uint32_t)i, 0, 0, words);
    const uint32_t finite = (words[0] & 0x7f800000) == 0x7f800000 ? 0x40000000 : 0;
    const uint32_t bits = words[0] ^ finite;
    return float_of(i % 3 == 0 ? (bits & 0xffff0000) | 0x8000 : bits);
}

static void check_halves(const jebm_layer_kernels *k) {
    float *from = malloc(VALUES * sizeof *from);
    uint16_t *to = malloc(VALUES * sizeof *to + JEBM_LAYER_SLACK);
    cr_assert(from != NULL && to != NULL);
    for (size_t i = 0; i < VALUES; i++) {
        from[i] = value(i);
    }
    const jebm_activation none = {JEBM_ACT_NONE, 0.0f};
    k->chain(none, VALUES, from, NULL, NULL, true, to);
    for (size_t i = 0; i < VALUES; i++) {
        cr_expect_eq(to[i], nearest_half(from[i]), "%s: %a becomes %04x, the nearest half is %04x",
                     jebm_isa_name(), from[i], to[i], nearest_half(from[i]));
    }
    const float special[] = {INFINITY, -INFINITY, NAN, -NAN};
    k->chain(none, 4, special, NULL, NULL, true, to);
    cr_expect_eq(to[0], 0x7f80);
    cr_expect_eq(to[1], 0xff80);
    cr_expect(isnan(float_of((uint32_t)to[2] << 16)) && isnan(float_of((uint32_t)to[3] << 16)));
    free(from);
    free(to);
}

Test(layer, a_half_is_the_nearest_one_and_a_tie_goes_to_the_even_one) {
    cr_expect_eq(nearest_half(0x1.01p0f), 0x3f80);
    cr_expect_eq(nearest_half(0x1.03p0f), 0x3f82);
    cr_expect_eq(nearest_half(0x1.ffp127f), 0x7f80);
    on_every_isa(check_halves);
}

/* ---- pools ------------------------------------------------------------------------------------
 */

enum { CHANNELS = 19, SIDE = 9 };

/* Elements are 0, 1 or 2, so that most windows hold their largest several times. PyTorch gives the
 * gradient to the first of them, row by row. */
static void check_maxpool(const jebm_layer_kernels *k, size_t window, size_t stride) {
    const size_t out = (SIDE - window) / stride + 1, step = stride * CHANNELS,
                 pitch = SIDE * CHANNELS;
    float x[SIDE * SIDE * CHANNELS], delta[SIDE * CHANNELS], g[SIDE * SIDE * CHANNELS];
    float expected[SIDE * SIDE * CHANNELS];
    size_t ties = 0;
    for (uint32_t i = 0; i < SIDE * SIDE * CHANNELS; i++) {
        x[i] = floorf(3.0f * (float)jebm_rng_uniform(jebm_rng_make(12, window), i, 0, 0) - 1e-6f);
        g[i] = expected[i] = 0.25f;
    }
    for (uint32_t i = 0; i < out * CHANNELS; i++) {
        delta[i] = (float)(i % 64) + 1.0f; /* sums of these are exact */
    }
    for (size_t i = 0; i < out; i++) {
        for (size_t c = 0; c < CHANNELS; c++) {
            size_t first = i * step + c, largest = 0;
            for (size_t r = 0; r < window * window; r++) {
                const size_t j = i * step + r / window * pitch + r % window * CHANNELS + c;
                largest = x[j] > x[first] ? 1 : largest + (x[j] == x[first]);
                first = x[j] > x[first] ? j : first;
            }
            ties += largest > 1;
            expected[first] += delta[i * CHANNELS + c];
        }
    }
    k->maxpool_back(out, CHANNELS, window, step, pitch, false, x, delta, g);
    cr_expect_gt(ties, out * CHANNELS / 3, "%zu ties only", ties);
    for (size_t i = 0; i < SIDE * SIDE * CHANNELS; i++) {
        cr_expect_eq(g[i], expected[i], "%s, window %zu, stride %zu: at %zu found %g, expected %g",
                     jebm_isa_name(), window, stride, i, (double)g[i], (double)expected[i]);
    }
}

static void check_maxpools(const jebm_layer_kernels *k) {
    check_maxpool(k, 2, 2);
    check_maxpool(k, 3, 2);
    check_maxpool(k, 2, 1);
}

Test(layer, the_first_of_a_pool_s_largest_elements_takes_all_of_its_gradient) {
    on_every_isa(check_maxpools);
}
