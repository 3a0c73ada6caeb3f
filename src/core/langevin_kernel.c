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

/* log of the upper tail of N(0, 1) beyond t >= 0: relative error of the tail below 1.2e-7 (erfcc of
 * Press et al., Numerical Recipes, section 6.2: a Chebyshev fit) */
JEBM_INLINE vf log_tail(vf t) {
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
    return vf_log(u) + vf_fnma(z, z, p);
}

/* log R(m) = log of the probability that N(m, s^2) is outside [-B, B]; near = (B - |m|)/s, which
 * may be negative, far = (B + |m|)/s */
JEBM_INLINE vf log_outside(vf near, vf far) {
    const vf magnitude = vf_select(near < 0.0f, -near, near);
    const vf tail = log_tail(magnitude);
    const vf most = vf_log(1.0f - vf_exp(vf_select(near < 0.0f, tail, vf_set(-1.0f))));
    const vf first = vf_select(near < 0.0f, most, tail);
    return first + vf_log(1.0f + vf_exp(vf_min(log_tail(far) - first, vf_set(0.0f))));
}

JEBM_INLINE vf log_refusal(const jebm_move_terms *m, vf x, vf grad) {
    const float clip = (float)m->clip, inverse = (float)(1.0 / m->deviation),
                bound = (float)m->bound;
    const vf b = vf_select(grad > clip, vf_set(clip), vf_select(grad < -clip, vf_set(-clip), grad));
    const vf mean = vf_fnma(vf_set((float)m->h), b, x);
    const vf size = vf_select(mean < 0.0f, -mean, mean);
    return log_outside((bound - size) * inverse, (bound + size) * inverse);
}

/* sum over the refused coordinates of log R(m') - log R(m), m' = y - h b_{k+1}(y) with y = x */
static double refusals(const jebm_move_terms *m, size_t d, const float *x, const float *grad_x,
                       const float *grad_y, const float *refused) {
    double total = 0.0;
    for (size_t j = 0; j < d; j += JEBM_W) {
        const size_t count = d - j < JEBM_W ? d - j : JEBM_W;
        vf at, before, after, out;
        if (count == JEBM_W) {
            at = vf_load(x + j), before = vf_load(grad_x + j), after = vf_load(grad_y + j);
            out = vf_load(refused + j);
        } else {
            at = vf_load_tail(x + j, count), before = vf_load_tail(grad_x + j, count);
            after = vf_load_tail(grad_y + j, count), out = vf_load_tail(refused + j, count);
        }
        const vf change = vf_select(
            out > 0.0f, log_refusal(m, at, after) - log_refusal(m, at, before), vf_set(0.0f));
        float part = 0.0f;
        for (int l = 0; l < JEBM_W; l++) {
            part += change[l];
        }
        total += (double)part;
    }
    return total;
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
