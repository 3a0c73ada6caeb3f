/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel.h"
#include "core/simd.h"
#include "nn/layer_internal.h"

#define W JEBM_W

/* ---- elements: floats or halves ------------------------------------------------------------- */

typedef uint16_t vs __attribute__((vector_size(2 * JEBM_W)));

/* the first n <= W elements at index i, zeros behind */
JEBM_INLINE vf get(const void *p, size_t i, size_t n, bool half) {
    if (!half) {
        const float *f = (const float *)p + i;
        return n == W ? vf_load(f) : vf_load_tail(f, n);
    }
    vs s = {0};
    memcpy(&s, (const uint16_t *)p + i, n == W ? sizeof s : n * sizeof(uint16_t));
    return vf_bits(__builtin_convertvector(s, vu) << 16);
}

/* rounded to nearest even; NaNs stay NaNs */
JEBM_INLINE void put(void *p, size_t i, size_t n, bool half, vf v) {
    if (!half) {
        float *f = (float *)p + i;
        if (n == W) {
            vf_store(f, v);
        } else {
            vf_store_tail(f, n, v);
        }
        return;
    }
    const vu bits = vu_bits(v);
    const vu nan = (vu)(v != v);
    const vu rounded = (bits + (0x7fffu + ((bits >> 16) & 1u))) >> 16;
    const vs s = __builtin_convertvector((rounded & ~nan) | (0x7fc0u & nan), vs);
    memcpy((uint16_t *)p + i, &s, n == W ? sizeof s : n * sizeof(uint16_t));
}

JEBM_INLINE size_t size_of(bool half) {
    return half ? sizeof(uint16_t) : sizeof(float);
}

JEBM_INLINE const void *at(const void *p, size_t i, bool half) {
    return (const char *)p + i * size_of(half);
}

JEBM_INLINE size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* ---- patches -------------------------------------------------------------------------------- */

/* copies of `copies` x `size` bytes a piece, constants: what one writes behind the piece's end is
 * overwritten by the next one */
JEBM_INLINE void patches_by(size_t size, size_t copies, size_t n, size_t rows, size_t bytes,
                            size_t step, size_t pitch, const char *from, size_t ld, char *to) {
    for (size_t i = 0; i < n; i++) {
        const char *piece = from + i * step;
        char *out = to + i * ld;
        for (size_t r = 0; r < rows; r++, piece += pitch, out += bytes) {
            for (size_t v = 0; v < copies; v++) {
                memcpy(out + v * size, piece + v * size, size);
            }
        }
    }
}

#define PATCHES(size, copies) patches_by(size, copies, n, rows, bytes, step, pitch, from, ld, to)

static void patches(size_t n, size_t rows, size_t bytes, size_t step, size_t pitch,
                    const char *from, size_t ld, char *to) {
    const size_t vectors = (bytes + sizeof(vf) - 1) / sizeof(vf);
    if (bytes <= 16) {
        PATCHES(16, 1);
    } else if (bytes <= 32) {
        PATCHES(32, 1);
    } else if (vectors == 3) {
        PATCHES(sizeof(vf), 3);
    } else if (vectors == 6) {
        PATCHES(sizeof(vf), 6);
    } else {
        PATCHES(sizeof(vf), vectors);
    }
}

/* ---- the way back --------------------------------------------------------------------------- */

/* how act' is known */
enum { FROM_ARRAY, FROM_SIGN, ONE };

JEBM_INLINE int known_from(jebm_activation act, const float *derivative) {
    return derivative != NULL ? FROM_ARRAY : act.kind == JEBM_ACT_LEAKY ? FROM_SIGN : ONE;
}

JEBM_INLINE vf chained(int known, bool half, float slope, vf g, size_t i, size_t n,
                       const float *derivative, const void *a) {
    if (known == FROM_ARRAY) {
        return g * get(derivative, i, n, false);
    }
    if (known == FROM_SIGN) {
        return g * vf_select(get(a, i, n, half) > 0.0f, vf_set(1.0f), vf_set(slope));
    }
    return g;
}

/* sum of n elements each of ny x nx pieces, `down` and `across` floats apart */
JEBM_INLINE vf gather_sum(size_t ny, size_t nx, ptrdiff_t down, ptrdiff_t across, size_t n,
                          const float *from) {
    vf sum = get(from, 0, n, false);
    for (size_t j = 1; j < nx; j++) {
        sum += get(from + (ptrdiff_t)j * across, 0, n, false);
    }
    for (size_t i = 1; i < ny; i++) {
        for (size_t j = 0; j < nx; j++) {
            sum += get(from + (ptrdiff_t)i * down + (ptrdiff_t)j * across, 0, n, false);
        }
    }
    return sum;
}

/* one pixel; without any piece its gradient is 0 */
JEBM_INLINE vf gather_pixel(size_t ny, size_t nx, ptrdiff_t down, ptrdiff_t across, size_t n,
                            const float *from) {
    switch (4 * (ny < 4 ? ny : 0) + (nx < 4 ? nx : 0)) {
    case 4 + 1:
        return gather_sum(1, 1, down, across, n, from);
    case 4 + 2:
        return gather_sum(1, 2, down, across, n, from);
    case 8 + 1:
        return gather_sum(2, 1, down, across, n, from);
    case 8 + 2:
        return gather_sum(2, 2, down, across, n, from);
    default:
        return ny > 0 && nx > 0 ? gather_sum(ny, nx, down, across, n, from) : (vf){0};
    }
}

JEBM_INLINE void gather_as(int known, bool half, const jebm_window *w, size_t line,
                           const float *columns, float slope, const float *derivative,
                           const void *a, void *out) {
    const jebm_cover y = w->cover[0][line];
    const size_t channels = w->channels;
    for (size_t at = 0; at < w->in[1]; at++) {
        const jebm_cover x = w->cover[1][at];
        const float *from = columns + y.start + x.start;
        size_t c = 0;
        for (; c + W <= channels; c += W) {
            const size_t i = at * channels + c;
            const vf sum = gather_pixel(y.n, x.n, w->down, w->across, W, from + c);
            put(out, i, W, half, chained(known, half, slope, sum, i, W, derivative, a));
        }
        if (c < channels) {
            const size_t i = at * channels + c, n = channels - c;
            const vf sum = gather_pixel(y.n, x.n, w->down, w->across, n, from + c);
            put(out, i, n, half, chained(known, half, slope, sum, i, n, derivative, a));
        }
    }
}

#define GATHER(known)                                                              \
    half ? gather_as(known, true, w, line, columns, act.slope, derivative, a, out) \
         : gather_as(known, false, w, line, columns, act.slope, derivative, a, out)

static void gather(const jebm_window *w, size_t line, const float *columns, jebm_activation act,
                   const float *derivative, const void *a, bool half, void *out) {
    switch (known_from(act, derivative)) {
    case FROM_ARRAY:
        GATHER(FROM_ARRAY);
        break;
    case FROM_SIGN:
        GATHER(FROM_SIGN);
        break;
    default:
        GATHER(ONE);
        break;
    }
}

static void border(const jebm_window *w, bool half, const void *delta, float *to) {
    const size_t width = (w->out[1] + 2 * w->reach) * w->lanes;
    memset(to, 0, (w->out[0] + 2 * w->reach) * width * sizeof *to);
    for (size_t y = 0; y < w->out[0]; y++) {
        for (size_t x = 0; x < w->out[1]; x++) {
            float *pixel = to + (y + w->reach) * width + (x + w->reach) * w->lanes;
            const size_t i = (y * w->out[1] + x) * w->outputs;
            for (size_t c = 0; c < w->outputs; c += W) {
                vf_store(pixel + c, get(delta, i + c, least(W, w->outputs - c), half));
            }
        }
    }
}

/* element k of the window that sees a pixel, and the window's output o in the bordered delta */
typedef struct seen {
    size_t k, o;
} seen;

/* W pixels, `stride` apart, y and x being those of the first: lanes along the outputs until the
 * last sum */
JEBM_INLINE vf gather_pixels(const jebm_window *w, size_t lanes, seen y, seen x,
                             const float *bordered, const float *weight) {
    const size_t width = (w->out[1] + 2 * w->reach) * lanes;
    vf sum[W] = {{0}};
    for (size_t ky = y.k, oy = y.o; ky < w->size[0]; ky += w->stride, oy--) {
        for (size_t kx = x.k, ox = x.o; kx < w->size[1]; kx += w->stride, ox--) {
            const float *from = bordered + oy * width + ox * lanes;
            const float *mine = weight + (ky * w->size[1] + kx) * lanes;
            for (size_t o = 0; o < lanes; o += W) {
                const vf factor = vf_load(mine + o);
                JEBM_UNROLL
                for (size_t l = 0; l < W; l++) {
                    sum[l] = vf_fma(vf_load(from + l * lanes + o), factor, sum[l]);
                }
            }
        }
    }
    return vf_reduce_rows(sum);
}

JEBM_INLINE void gather_few_as(const jebm_window *w, size_t lanes, size_t line,
                               const float *bordered, const float *weight, float *grad) {
    const size_t taps = w->size[0] * w->size[1] * lanes, s = w->stride;
    const seen y = {(line + w->padding) % s, (line + w->padding) / s + w->reach};
    for (size_t c = 0; c < w->channels; c++) {
        float *out = grad + (c * w->in[0] + line) * w->in[1];
        for (size_t phase = 0; phase < s; phase++) {
            seen x = {(phase + w->padding) % s, (phase + w->padding) / s + w->reach};
            for (size_t at = phase; at < w->in[1]; at += W * s, x.o += W) {
                float found[W];
                vf_store(found, gather_pixels(w, lanes, y, x, bordered, weight + c * taps));
                for (size_t l = 0; l < W && at + l * s < w->in[1]; l++) {
                    out[at + l * s] = found[l];
                }
            }
        }
    }
}

/* a constant number of lanes keeps the sums in registers */
static void gather_few(const jebm_window *w, size_t line, const float *bordered,
                       const float *weight, float *grad) {
    switch (w->lanes) {
    case 16:
        gather_few_as(w, 16, line, bordered, weight, grad);
        break;
    case 32:
        gather_few_as(w, 32, line, bordered, weight, grad);
        break;
    case 64:
        gather_few_as(w, 64, line, bordered, weight, grad);
        break;
    default:
        gather_few_as(w, w->lanes, line, bordered, weight, grad);
        break;
    }
}

/* ---- activations ---------------------------------------------------------------------------- */

typedef struct pair {
    vf value, derivative;
} pair;

/* 1/a to rounding, for a >= 1 */
JEBM_INLINE vf reciprocal(vf a) {
#if JEBM_W == 16
    const vf r = (vf)_mm512_rcp14_ps((__m512)a);
#elif JEBM_W == 8
    const vf r = (vf)_mm256_rcp_ps((__m256)a);
#else
    const vf r = 1.0f / a;
#endif
    return vf_fma(r, vf_fnma(a, r, vf_set(1.0f)), r);
}

JEBM_INLINE vf clamped(vf x, float bound) {
#if JEBM_W == 16
    return (vf)_mm512_max_ps(_mm512_min_ps((__m512)x, _mm512_set1_ps(bound)),
                             _mm512_set1_ps(-bound));
#else
    x = vf_select(x > bound, vf_set(bound), x);
    return vf_select(x < -bound, vf_set(-bound), x);
#endif
}

/* exp(-x) for |x| <= 87: 2^n exp(r), |r| <= log(2)/2, by a polynomial that is minimax in relative
 * error (1.1e-7) among those that start with 1 + r */
JEBM_INLINE vf exp_minus(vf x) {
    const vf shift = vf_set(12582912.0f);
    const vf biased = vf_fnma(x, vf_set(1.44269504088896341f), shift);
    const vf r = vf_fnma(biased - shift, vf_set(0.693147180559945f), -x);
    vf p = vf_fma(r, vf_set(0.008312520571053028f), vf_set(0.041890159249305725f));
    p = vf_fma(r, p, vf_set(0.16667114198207855f));
    p = vf_fma(r, p, vf_set(0.499992311000824f));
    p = vf_fma(r, p, vf_set(1.0f));
    p = vf_fma(r, p, vf_set(1.0f));
    return vf_bits(vu_bits(p) + (vu_bits(biased) << 23));
}

/* x s, s = 1/(1 + exp(-x)), and s (1 + x (1 - s)) = s + x s (1 - s); beyond 87 s is 0 or 1 */
JEBM_INLINE pair silu(vf x) {
    const vf s = reciprocal(1.0f + exp_minus(clamped(x, 87.0f)));
    const vf a = x * s;
    return (pair){a, vf_fnma(a, s, a + s)};
}

JEBM_INLINE pair apply(jebm_activation_kind kind, float slope, vf x) {
    switch (kind) {
    case JEBM_ACT_SILU:
        return silu(x);
    case JEBM_ACT_LEAKY: {
        const vf s = vf_select(x > 0.0f, vf_set(1.0f), vf_set(slope));
        return (pair){x * s, s};
    }
    default:
        return (pair){x, vf_set(1.0f)};
    }
}

JEBM_INLINE void activate_one(jebm_activation_kind kind, bool half, bool both, float slope,
                              size_t i, size_t n, const float *z, const float *bias, void *out,
                              float *derivative) {
    const pair p = apply(kind, slope, get(z, i, n, false) + get(bias, 0, n, false));
    put(out, i, n, half, p.value);
    if (both) {
        put(derivative, i, n, false, p.derivative);
    }
}

JEBM_INLINE void activate_as(jebm_activation_kind kind, bool half, bool both, float slope,
                             size_t pixels, size_t channels, const float *z, const float *bias,
                             void *out, float *derivative) {
    for (size_t i = 0; i < pixels; i++) {
        size_t c = 0;
        for (; c + W <= channels; c += W) {
            activate_one(kind, half, both, slope, i * channels + c, W, z, bias + c, out,
                         derivative);
        }
        if (c < channels) {
            activate_one(kind, half, both, slope, i * channels + c, channels - c, z, bias + c, out,
                         derivative);
        }
    }
}

#define ACTIVATE(kind, half, both) \
    activate_as(kind, half, both, act.slope, pixels, channels, z, bias, out, derivative)
#define ACTIVATE_ALL(kind)                                                 \
    if (derivative != NULL) {                                              \
        half ? ACTIVATE(kind, true, true) : ACTIVATE(kind, false, true);   \
    } else {                                                               \
        half ? ACTIVATE(kind, true, false) : ACTIVATE(kind, false, false); \
    }

static void activate(jebm_activation act, size_t pixels, size_t channels, const float *z,
                     const float *bias, bool half, void *out, float *derivative) {
    switch (act.kind) {
    case JEBM_ACT_SILU:
        ACTIVATE_ALL(JEBM_ACT_SILU)
        break;
    case JEBM_ACT_LEAKY:
        ACTIVATE_ALL(JEBM_ACT_LEAKY)
        break;
    default:
        ACTIVATE_ALL(JEBM_ACT_NONE)
        break;
    }
}

static void chain(jebm_activation act, size_t n, const float *g, const float *derivative,
                  const void *a, bool half, void *out) {
    const int known = known_from(act, derivative);
    for (size_t i = 0; i < n; i += W) {
        const size_t m = least(W, n - i);
        put(out, i, m, half,
            chained(known, half, act.slope, get(g, i, m, false), i, m, derivative, a));
    }
}

JEBM_INLINE void sums_as(bool half, size_t pixels, size_t channels, const void *x, double *sums) {
    for (size_t c = 0; c < channels; c += W) {
        const size_t n = least(W, channels - c);
        vd low = {0}, high = {0};
        for (size_t i = 0; i < pixels; i++) {
            const vf v = get(x, i * channels + c, n, half);
            vh parts[2];
            memcpy(parts, &v, sizeof v);
            low += __builtin_convertvector(parts[0], vd);
            high += __builtin_convertvector(parts[1], vd);
        }
        double all[W];
        memcpy(all, &low, sizeof low);
        memcpy(all + W / 2, &high, sizeof high);
        for (size_t l = 0; l < n; l++) {
            sums[c + l] += all[l];
        }
    }
}

static void sums(size_t pixels, size_t channels, bool half, const void *x, double *to) {
    half ? sums_as(true, pixels, channels, x, to) : sums_as(false, pixels, channels, x, to);
}

/* ---- pools ---------------------------------------------------------------------------------- */

static void maxpool(size_t n, size_t channels, size_t window, size_t step, size_t pitch, bool half,
                    const void *from, float *to) {
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < channels; c += W) {
            const size_t m = least(W, channels - c);
            vf top = vf_set(-INFINITY);
            for (size_t r = 0; r < window * window; r++) {
                const size_t j = i * step + r / window * pitch + r % window * channels + c;
                const vf v = get(from, j, m, half);
                top = vf_select(v > top, v, top);
            }
            put(to, i * channels + c, m, false, top);
        }
    }
}

static void avgpool(size_t n, size_t channels, size_t window, size_t step, size_t pitch, bool half,
                    const void *from, float *to) {
    const float share = 1.0f / (float)(window * window);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < channels; c += W) {
            const size_t m = least(W, channels - c);
            vf sum = {0};
            for (size_t r = 0; r < window * window; r++) {
                const size_t j = i * step + r / window * pitch + r % window * channels + c;
                sum += get(from, j, m, half);
            }
            put(to, i * channels + c, m, false, sum * share);
        }
    }
}

static void maxpool_back(size_t n, size_t channels, size_t window, size_t step, size_t pitch,
                         bool half, const void *from, const void *delta, float *g) {
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < channels; c += W) {
            const size_t m = least(W, channels - c);
            const vf d = get(delta, i * channels + c, m, half);
            vf top = vf_set(-INFINITY);
            for (size_t r = 0; r < window * window; r++) {
                const size_t j = i * step + r / window * pitch + r % window * channels + c;
                const vf v = get(from, j, m, half);
                top = vf_select(v > top, v, top);
            }
            vi open = ~(vi){0};
            for (size_t r = 0; r < window * window; r++) {
                const size_t j = i * step + r / window * pitch + r % window * channels + c;
                const vi here = (vi)(get(from, j, m, half) == top) & open;
                put(g, j, m, false, get(g, j, m, false) + vf_select(here, d, vf_set(0.0f)));
                open &= ~here;
            }
        }
    }
}

static void avgpool_back(size_t n, size_t channels, size_t window, size_t step, size_t pitch,
                         bool half, const void *delta, float *g) {
    const float share = 1.0f / (float)(window * window);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < channels; c += W) {
            const size_t m = least(W, channels - c);
            const vf d = get(delta, i * channels + c, m, half) * share;
            for (size_t r = 0; r < window * window; r++) {
                const size_t j = i * step + r / window * pitch + r % window * channels + c;
                put(g, j, m, false, get(g, j, m, false) + d);
            }
        }
    }
}

/* ---- the network's ends --------------------------------------------------------------------- */

JEBM_INLINE void interleave_as(bool half, size_t pixels, size_t channels, size_t plane,
                               const float *from, void *to) {
    if (channels == 1) {
        for (size_t i = 0; i < pixels; i += W) {
            const size_t n = least(W, pixels - i);
            put(to, i, n, half, get(from, i, n, false));
        }
        return;
    }
    for (size_t i = 0; i < pixels; i++) {
        for (size_t c = 0; c < channels; c++) {
            if (half) {
                put(to, i * channels + c, 1, true, vf_set(from[c * plane + i]));
            } else {
                ((float *)to)[i * channels + c] = from[c * plane + i];
            }
        }
    }
}

static void interleave(size_t pixels, size_t channels, size_t plane, const float *from, bool half,
                       void *to) {
    half ? interleave_as(true, pixels, channels, plane, from, to)
         : interleave_as(false, pixels, channels, plane, from, to);
}

static void separate(size_t pixels, size_t channels, size_t plane, const float *from, float *to) {
    for (size_t c = 0; c < channels; c++) {
        for (size_t i = 0; i < pixels; i++) {
            to[c * plane + i] = from[i * channels + c];
        }
    }
}

const jebm_layer_kernels JEBM_KERNEL(jebm_layer_kernels) = {
    .patches = patches,
    .gather = gather,
    .border = border,
    .gather_few = gather_few,
    .activate = activate,
    .chain = chain,
    .sums = sums,
    .maxpool = maxpool,
    .avgpool = avgpool,
    .maxpool_back = maxpool_back,
    .avgpool_back = avgpool_back,
    .interleave = interleave,
    .separate = separate,
};
