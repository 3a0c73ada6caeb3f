/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "energy/gmm.h"

#include "core/isa.h"
#include "core/kernel.h"
#include "energy/gmm_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct gmm {
    jebm_energy base; /* first: a jebm_energy of this kind is a gmm */
    size_t padded, modes;
    float *means; /* [modes][padded], single precision copy of theta's */
    float *z; /* [modes] */
} gmm;

static const double log_2pi = 1.8378770664093454836;

static const gmm *of(const jebm_energy *e) {
    return (const gmm *)e;
}

static const jebm_gmm_kernels *kernels(void) {
    static const jebm_gmm_kernels *const table[JEBM_ISA_COUNT] = JEBM_PICK(jebm_gmm_kernels);
    return table[jebm_isa_current()];
}

static jebm_gmm_view view(const jebm_energy *e) {
    const gmm *g = of(e);
    return (jebm_gmm_view){e->d, g->padded, g->modes, g->means, g->z};
}

static void refresh(jebm_energy *e) {
    gmm *g = (gmm *)e;
    for (size_t k = 0; k < g->modes; k++) {
        for (size_t j = 0; j < e->d; j++) {
            g->means[k * g->padded + j] = (float)e->theta[k * e->d + j];
        }
        g->z[k] = k == 0 ? 0.0f : (float)e->theta[g->modes * e->d + k - 1];
    }
}

/* one block's energies and responsibilities, lanes along points */
typedef struct block {
    _Alignas(64) float U[JEBM_BLOCK];
    _Alignas(64) float resp[JEBM_GMM_MAX_MODES * JEBM_BLOCK];
} block;

/* grad[d] = x - sum_k r_k m_k, r_k being resp[k * JEBM_BLOCK] */
static void gradient(const jebm_gmm_view *v, const float *x, const float *resp, float *grad) {
    memcpy(grad, x, v->d * sizeof *grad);
    for (size_t k = 0; k < v->modes; k++) {
        const float r = resp[k * JEBM_BLOCK], *mean = v->means + k * v->padded;
        for (size_t j = 0; j < v->d; j++) {
            grad[j] -= r * mean[j];
        }
    }
}

static void eval(const jebm_energy *e, size_t n, const float *x, double *U, float *grad) {
    const jebm_gmm_view v = view(e);
    block b;
    for (size_t first = 0; first < n; first += JEBM_BLOCK) {
        const size_t count = n - first < JEBM_BLOCK ? n - first : JEBM_BLOCK;
        kernels()->eval(&v, count, x + first * e->d, b.U, b.resp);
        for (size_t i = 0; i < count; i++) {
            if (U != NULL) {
                U[first + i] = b.U[i];
            }
            if (grad != NULL) {
                gradient(&v, x + (first + i) * e->d, b.resp + i, grad + (first + i) * e->d);
            }
        }
    }
}

static double data(const jebm_energy *e, size_t n, const float *x, double *g) {
    assert(n <= JEBM_BLOCK);
    const jebm_gmm_view v = view(e);
    block b;
    double sum = 0.0;
    kernels()->eval(&v, n, x, b.U, b.resp);
    kernels()->accumulate(&v, n, x, b.resp, g);
    for (size_t i = 0; i < n; i++) {
        sum += b.U[i];
    }
    return sum;
}

static void theta_grad(const jebm_energy *e, size_t n, const float *x, const float *w, double *g) {
    assert(n <= JEBM_BLOCK);
    const jebm_gmm_view v = view(e);
    block b;
    kernels()->eval(&v, n, x, b.U, b.resp);
    for (size_t k = 0; w != NULL && k < v.modes; k++) {
        for (size_t i = 0; i < n; i++) {
            b.resp[k * JEBM_BLOCK + i] *= w[i];
        }
    }
    kernels()->accumulate(&v, n, x, b.resp, g);
}

static void accumulate(const jebm_energy *e, size_t first, size_t n, const float *w,
                       const jebm_ensemble *ens, double *g) {
    assert(n <= JEBM_BLOCK);
    const jebm_gmm_view v = view(e);
    const float *cache = ens->cache + first * v.modes;
    float coef[JEBM_GMM_MAX_MODES * JEBM_BLOCK];
    for (size_t k = 0; k < v.modes; k++) {
        for (size_t i = 0; i < n; i++) {
            coef[k * JEBM_BLOCK + i] = (w != NULL ? w[i] : 1.0f) * cache[i * v.modes + k];
        }
    }
    kernels()->accumulate(&v, n, ens->x + first * e->d, coef, g);
}

static void self_influence(const jebm_energy *e, size_t first, size_t n, const double *rate,
                           const double *mean, const jebm_ensemble *ens, float *scratch,
                           double *out) {
    const jebm_gmm_view v = view(e);
    memset(scratch, 0, v.modes * v.padded * sizeof *scratch);
    for (size_t k = 0; k < v.modes; k++) {
        for (size_t j = 0; j < v.d; j++) {
            scratch[k * v.padded + j] = (float)mean[k * v.d + j];
        }
    }
    kernels()->influence(&v, n, ens->x + first * v.d, ens->cache + first * v.modes, scratch, rate,
                         mean + v.modes * v.d, out);
}

static size_t influence_scratch(const jebm_energy *e) {
    return of(e)->modes * of(e)->padded;
}

static size_t cache_width(const jebm_energy *e) {
    return of(e)->modes;
}

static void begin(const jebm_energy *e, size_t m, const uint32_t *ids, jebm_ensemble *ens) {
    const jebm_gmm_view v = view(e);
    kernels()->begin(&v, m, ids, ens);
}

static void step(const jebm_energy *now, const jebm_energy *next, const jebm_move *move, size_t m,
                 const uint32_t *ids, jebm_ensemble *ens) {
    const jebm_gmm_view from = view(now), to = view(next);
    const jebm_rng_site site = {{move->rng.key[0], move->rng.key[1]}, move->lane, move->step};
    kernels()->step(&from, &to, move->h, move->rule, &site, m, ids, ens);
}

static double z_of(const jebm_energy *e, size_t k) {
    return k == 0 ? 0.0 : e->theta[of(e)->modes * e->d + k - 1];
}

/* mass[modes], unless NULL: exp(least - z_k), least being the smallest z, so that none overflows;
 * returns their sum */
static double relative_masses(const jebm_energy *e, double *least, double *mass) {
    const size_t modes = of(e)->modes;
    double sum = 0.0;
    *least = 0.0;
    for (size_t k = 1; k < modes; k++) {
        *least = fmin(*least, z_of(e, k));
    }
    for (size_t k = 0; k < modes; k++) {
        const double m = exp(*least - z_of(e, k));
        sum += m;
        if (mass != NULL) {
            mass[k] = m;
        }
    }
    return sum;
}

static double log_z(const jebm_energy *e) {
    double least = 0.0;
    const double sum = relative_masses(e, &least, NULL);
    return 0.5 * (double)e->d * log_2pi - least + log(sum);
}

void jebm_gmm_masses(const jebm_energy *e, double *mass) {
    double least = 0.0;
    const double sum = relative_masses(e, &least, mass);
    for (size_t k = 0; k < of(e)->modes; k++) {
        mass[k] /= sum;
    }
}

/* mode of sample i: by its uniform, or by its place when the modes get their expected shares */
static size_t mode_of(const gmm *g, const double *mass, jebm_rng rng, bool split, size_t total,
                      size_t i) {
    double u = split ? 0.0 : jebm_rng_uniform(rng, (uint32_t)i, JEBM_LANE_MODE, 0);
    size_t end = 0, k = 0;
    for (; k + 1 < g->modes; k++) {
        /* a share that rounding left just below a whole number is that number */
        end += (size_t)floor((double)total * mass[k] * (1.0 + 1e-12));
        if (split ? i < end : u <= mass[k]) {
            break;
        }
        u -= mass[k];
    }
    return k;
}

static void sample(const jebm_energy *e, jebm_rng rng, bool split, size_t total, size_t first,
                   size_t n, float *x) {
    const gmm *g = of(e);
    double mass[JEBM_GMM_MAX_MODES];
    jebm_gmm_masses(e, mass);
    jebm_rng_normals(rng, JEBM_LANE_INIT, 0, first, n, e->d, 1.0f, x);
    for (size_t i = 0; i < n; i++) {
        const float *mean = g->means + mode_of(g, mass, rng, split, total, first + i) * g->padded;
        for (size_t j = 0; j < e->d; j++) {
            x[i * e->d + j] += mean[j];
        }
    }
}

static void destroy(jebm_energy *e) {
    gmm *g = (gmm *)e;
    free(g->means);
    free(g->z);
    free(e->theta);
    free(g);
}

static jebm_energy *copy(const jebm_energy *e) {
    jebm_energy *twin = NULL;
    if (jebm_gmm_new(e->d, of(e)->modes, &twin, NULL) == JEBM_OK) {
        jebm_energy_set(twin, e->theta);
    }
    return twin;
}

static const jebm_energy_ops gmm_ops = {
    .name = "gmm",
    .eval = eval,
    .theta_grad = theta_grad,
    .refresh = refresh,
    .copy = copy,
    .free = destroy,
    .log_z = log_z,
    .sample = sample,
    .cache_width = cache_width,
    .begin = begin,
    .step = step,
    .accumulate = accumulate,
    .data = data,
    .influence_scratch = influence_scratch,
    .self_influence = self_influence,
};

jebm_status jebm_gmm_new(size_t d, size_t modes, jebm_energy **out, jebm_error *err) {
    if (d == 0 || d > JEBM_GMM_MAX_D || modes == 0 || modes > JEBM_GMM_MAX_MODES) {
        return jebm_fail(
            err, JEBM_EINVAL,
            "a Gaussian mixture has 1 to %d dimensions and 1 to %d modes, found %zu and %zu",
            JEBM_GMM_MAX_D, JEBM_GMM_MAX_MODES, d, modes);
    }
    gmm *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a Gaussian mixture");
    }
    g->padded = (d + JEBM_GMM_PAD - 1) / JEBM_GMM_PAD * JEBM_GMM_PAD;
    g->modes = modes;
    g->base =
        (jebm_energy){.ops = &gmm_ops, .d = d, .nparams = modes * d + modes - 1, .ngroups = 2};
    g->base.groups[0] = (jebm_group){"means", 0, modes * d};
    g->base.groups[1] = (jebm_group){"z", modes * d, modes - 1};
    g->means = calloc(modes * g->padded, sizeof *g->means);
    g->z = calloc(modes, sizeof *g->z);
    g->base.theta = calloc(g->base.nparams, sizeof *g->base.theta);
    if (g->means == NULL || g->z == NULL || g->base.theta == NULL) {
        destroy(&g->base);
        return jebm_fail(err, JEBM_ENOMEM, "no memory for a mixture of %zu modes in %zu dimensions",
                         modes, d);
    }
    *out = &g->base;
    return JEBM_OK;
}

size_t jebm_gmm_modes(const jebm_energy *e) {
    return of(e)->modes;
}

void jebm_gmm_responsibilities(const jebm_energy *e, const float *x, float *resp) {
    const jebm_gmm_view v = view(e);
    block b;
    kernels()->eval(&v, 1, x, b.U, b.resp);
    for (size_t k = 0; k < v.modes; k++) {
        resp[k] = b.resp[k * JEBM_BLOCK];
    }
}
