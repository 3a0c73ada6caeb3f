/* A walker's move and the log-ratio of its densities; compiled once per instruction set.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel.h"
#include "core/langevin_internal.h"
#include "core/simd.h"

#define LANES (JEBM_W / 2)

static double clamped(float b, double clip) {
    return fmin(fmax(b, -clip), clip);
}

static void move(const jebm_move_terms *m, size_t d, const float *x, const float *grad,
                 float *noise, float *y) {
    const float h = (float)m->h, clip = (float)m->clip, bound = (float)m->bound;
    size_t j = 0;
    for (; j + JEBM_W <= d; j += JEBM_W) {
        const vf here = vf_load(x + j);
        vf b = vf_load(grad + j);
        b = vf_select(b > clip, vf_set(clip), vf_select(b < -clip, vf_set(-clip), b));
        const vf there = vf_fnma(vf_set(h), b, here) + vf_load(noise + j);
        const vi out = (there > bound) | (there < -bound);
        vf_store(y + j, vf_select(out, here, there));
        vf_store(noise + j, vf_select(out, vf_set(1.0f), vf_set(0.0f)));
    }
    for (; j < d; j++) {
        const float there = (float)(x[j] - m->h * clamped(grad[j], m->clip) + noise[j]);
        const bool out = there > bound || there < -bound;
        y[j] = out ? x[j] : there;
        noise[j] = out ? 1.0f : 0.0f;
    }
}

/* The upper tail of N(0, 1) beyond t >= 0 as u exp(e), relative error below 1.2e-7 (erfcc of Press
 * et al., Numerical Recipes, section 6.2: a Chebyshev fit); returns u. */
JEBM_INLINE vf tail(vf t, vf *e) {
    const vf z = t * 0.70710678118654752f;
    const vf u = 1.0f / vf_fma(z, vf_set(0.5f), vf_set(1.0f));
    vf p = vf_fma(u, vf_set(0.17087277f), vf_set(-0.82215223f));
    p = vf_fma(u, p, vf_set(1.48851587f));
    p = vf_fma(u, p, vf_set(-1.13520398f));
    p = vf_fma(u, p, vf_set(0.27886807f));
    p = vf_fma(u, p, vf_set(-0.18628806f));
    p = vf_fma(u, p, vf_set(0.09678418f));
    p = vf_fma(u, p, vf_set(0.37409196f));
    p = vf_fma(u, p, vf_set(1.00002368f));
    p = vf_fma(u, p, vf_set(-1.26551223f - 0.69314718f));
    *e = vf_fnma(z, z, p);
    return u;
}

/* The probability R(m) that N(m, s^2) is beyond the nearer end of [-B, B], of |m|, as r exp(e);
 * returns r. */
JEBM_INLINE vf beyond_near(const jebm_move_terms *m, vf size, vf *e) {
    const vf near = ((float)m->bound - size) * (float)(1.0 / m->deviation);
    const vi outside = near < 0.0f;
    vf exponent;
    const vf u = tail(vf_select(outside, -near, near), &exponent);
    *e = vf_select(outside, vf_set(0.0f), exponent);
    return vf_select(outside, 1.0f - u * vf_exp(exponent), u);
}

/* log R(m) with both ends */
JEBM_INLINE vf log_outside(const jebm_move_terms *m, vf size) {
    vf e_near, e_far;
    const vf r = beyond_near(m, size, &e_near);
    const vf u = tail(((float)m->bound + size) * (float)(1.0 / m->deviation), &e_far);
    const vf near = vf_log(r) + e_near;
    return near + vf_log(1.0f + vf_exp(vf_min(vf_log(u) + e_far - near, vf_set(0.0f))));
}

/* log R(m') - log R(m); near: the nearer end is all that counts */
JEBM_INLINE vf log_ratio(const jebm_move_terms *m, vf before, vf after, bool near) {
    if (!near) {
        return log_outside(m, after) - log_outside(m, before);
    }
    vf e, e_after;
    const vf r = beyond_near(m, before, &e), r_after = beyond_near(m, after, &e_after);
    return vf_log(r_after / r) + (e_after - e);
}

/* |x - h b| of a vector */
JEBM_INLINE vf mean_size(const jebm_move_terms *m, vf x, vf grad) {
    const float clip = (float)m->clip;
    const vf b = vf_select(grad > clip, vf_set(clip), vf_select(grad < -clip, vf_set(-clip), grad));
    const vf mean = vf_fnma(vf_set((float)m->h), b, x);
    return vf_select(mean < 0.0f, -mean, mean);
}

/* refused coordinates are taken side by side, so that they fill vectors */
enum { CHUNK = 128 };

/* sum over n <= CHUNK coordinates of log R(m') - log R(m); the arrays are filled up */
static double log_ratios(const jebm_move_terms *m, size_t n, float *x, float *grad_x,
                         float *grad_y) {
    vf before[CHUNK / JEBM_W], after[CHUNK / JEBM_W], sum = vf_set(0.0f), least = vf_set(INFINITY);
    const size_t vectors = (n + JEBM_W - 1) / JEBM_W;
    /* with a coordinate whose drift stays: it adds 0 */
    for (size_t i = n; i < vectors * JEBM_W; i++) {
        x[i] = x[0];
        grad_x[i] = grad_y[i] = grad_x[0];
    }
    for (size_t v = 0; v < vectors; v++) {
        const vf at = vf_load(x + v * JEBM_W);
        before[v] = mean_size(m, at, vf_load(grad_x + v * JEBM_W));
        after[v] = mean_size(m, at, vf_load(grad_y + v * JEBM_W));
        least = vf_min(least, vf_min(before[v], after[v]));
    }
    float smallest = INFINITY;
    for (int l = 0; l < JEBM_W; l++) {
        smallest = least[l] < smallest ? least[l] : smallest;
    }
    /* the far side has exp(-2 B |m| / s^2) of the near one's probability, or less */
    const bool near = 2.0 * m->bound * (double)smallest > 20.0 * m->deviation * m->deviation;
    for (size_t v = 0; v < vectors; v++) {
        sum += near ? log_ratio(m, before[v], after[v], true)
                    : log_ratio(m, before[v], after[v], false);
    }
    double total = 0.0;
    for (int l = 0; l < JEBM_W; l++) {
        total += (double)sum[l];
    }
    return total;
}

/* refused coordinates, n of them, with room for a vector more */
typedef struct refused_list {
    size_t n;
    float x[CHUNK + JEBM_W], grad_x[CHUNK + JEBM_W], grad_y[CHUNK + JEBM_W];
} refused_list;

/* what the first CHUNK coordinates of the list add, once it has as many; the others stay */
static double take_chunk(const jebm_move_terms *m, refused_list *list) {
    if (list->n < CHUNK) {
        return 0.0;
    }
    const double total = log_ratios(m, CHUNK, list->x, list->grad_x, list->grad_y);
    list->n -= CHUNK;
    memcpy(list->x, list->x + CHUNK, sizeof(float) * JEBM_W);
    memcpy(list->grad_x, list->grad_x + CHUNK, sizeof(float) * JEBM_W);
    memcpy(list->grad_y, list->grad_y + CHUNK, sizeof(float) * JEBM_W);
    return total;
}

/* sum over the refused coordinates of log R(m') - log R(m), m' = y - h b_{k+1}(y) with y = x */
static double refusals(const jebm_move_terms *m, size_t d, const float *x, const float *grad_x,
                       const float *grad_y, const float *refused) {
    refused_list list = {0};
    double total = 0.0;
    size_t j = 0;
    for (; j + JEBM_W <= d; j += JEBM_W) {
        const vi mask = vf_load(refused + j) > 0.0f;
        vf_compress(list.x + list.n, mask, vf_load(x + j));
        vf_compress(list.grad_x + list.n, mask, vf_load(grad_x + j));
        vf_compress(list.grad_y + list.n, mask, vf_load(grad_y + j));
        list.n += vi_count(mask);
        total += take_chunk(m, &list);
    }
    for (; j < d; j++) {
        list.x[list.n] = x[j];
        list.grad_x[list.n] = grad_x[j];
        list.grad_y[list.n] = grad_y[j];
        list.n += refused[j] > 0.0f;
        total += take_chunk(m, &list);
    }
    return list.n > 0 ? total + log_ratios(m, list.n, list.x, list.grad_x, list.grad_y) : total;
}

/* With forward = y - x + h b_k(x) and backward = x - y + h b_{k+1}(y),
 * backward^2 - forward^2 = (backward + forward) (backward - forward). */
static double path(const jebm_move_terms *m, size_t d, const float *x, const float *y,
                   const float *grad_x, const float *grad_y, const float *refused) {
    const bool skip = m->weigh_refusal;
    vd sums = {0};
    size_t j = 0;
    for (; j + LANES <= d; j += LANES) {
        vh narrow[5];
        memcpy(&narrow[0], x + j, sizeof narrow[0]);
        memcpy(&narrow[1], y + j, sizeof narrow[0]);
        memcpy(&narrow[2], grad_x + j, sizeof narrow[0]);
        memcpy(&narrow[3], grad_y + j, sizeof narrow[0]);
        memcpy(&narrow[4], refused + j, sizeof narrow[0]);
        const vd top = vd_set(m->clip), zero = {0};
        const vd delta =
            __builtin_convertvector(narrow[1], vd) - __builtin_convertvector(narrow[0], vd);
        const vd b_x = -vd_max(-vd_max(__builtin_convertvector(narrow[2], vd), -top), -top);
        const vd b_y = -vd_max(-vd_max(__builtin_convertvector(narrow[3], vd), -top), -top);
        const vd keep = skip ? 1.0 - __builtin_convertvector(narrow[4], vd) : zero + 1.0;
        const vd sum = m->h * (b_y + b_x), difference = m->h * (b_y - b_x) - 2.0 * delta;
        sums = vd_fma(keep * sum, difference, sums);
    }
    double total = 0.0;
    for (size_t l = 0; l < LANES; l++) {
        total += sums[l];
    }
    for (; j < d; j++) {
        if (skip && refused[j] != 0.0f) {
            continue;
        }
        const double delta = (double)y[j] - (double)x[j];
        const double b_x = clamped(grad_x[j], m->clip), b_y = clamped(grad_y[j], m->clip);
        total += m->h * (b_y + b_x) * (m->h * (b_y - b_x) - 2.0 * delta);
    }
    const double gaussian = -total / m->variance_2;
    return skip ? gaussian + refusals(m, d, x, grad_x, grad_y, refused) : gaussian;
}

const jebm_langevin_kernels JEBM_KERNEL(jebm_langevin_kernels) = {move, path};
