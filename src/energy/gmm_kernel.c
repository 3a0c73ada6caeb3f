/* The Gaussian mixture's hot loops; compiled once per instruction set. Naive twin in double:
 * tests/energy/gmm_reference.c.
 *
 * Walkers are taken in tiles of W = JEBM_W rows, copied to [columns / W][W rows][W lanes], padded
 * with zeros: then every access is aligned, at a constant offset from its column group, and a loop
 * over the rows of a group keeps one accumulator a row in a register. Lanes run along coordinates
 * there, and along walkers for what there is one of per walker (noise counters, exponentials,
 * logarithms, weights); vf_reduce_rows() turns the one into the other.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/kernel.h"
#include "core/rng_vector.h"
#include "energy/gmm_internal.h"

#define W JEBM_W

/* one vector of row l in column group g of a tile */
#define AT(g, l) (((g)*W + (l)) * W)

typedef struct tile {
    size_t lanes; /* rows in use, 1 to W; the others repeat the last one */
    int contiguous; /* W walkers that follow each other */
    uint32_t id[W]; /* walkers */
    const float *row[W];
} tile;

JEBM_INLINE size_t groups_of(const jebm_gmm_view *v) {
    return (v->d + W - 1) / W;
}

JEBM_INLINE void load_tile(const tile *t, size_t d, float *to) {
    for (size_t l = 0; l < W; l++) {
        const float *from = t->row[l];
        size_t g = 0;
        /* rows usually follow each other: ask for the next tile's while this one is worked on */
        for (size_t c = 0; c < d; c += 16) {
            __builtin_prefetch(from + W * d + c);
        }
        for (; (g + 1) * W <= d; g++) {
            vf_store(to + AT(g, l), vf_load(from + g * W));
        }
        if (g * W < d) {
            vf_store(to + AT(g, l), vf_load_tail(from + g * W, d - g * W));
        }
    }
}

/* rows first .. of x [n][d] */
JEBM_INLINE tile rows_tile(const float *x, size_t d, size_t n, size_t first) {
    tile t = {.lanes = n - first < W ? n - first : W};
    for (size_t l = 0; l < W; l++) {
        t.row[l] = x + (first + (l < t.lanes ? l : t.lanes - 1)) * d;
    }
    return t;
}

/* walkers ids[first] .. */
JEBM_INLINE tile walkers_tile(const jebm_ensemble *e, const uint32_t *ids, size_t m, size_t first) {
    tile t = {.lanes = m - first < W ? m - first : W};
    for (size_t l = 0; l < W; l++) {
        t.id[l] = ids[first + (l < t.lanes ? l : t.lanes - 1)];
        t.row[l] = e->x + (size_t)t.id[l] * e->d;
    }
    t.contiguous = 1;
    for (uint32_t l = 0; l < W; l++) {
        t.contiguous &= t.id[l] == t.id[0] + l;
    }
    return t;
}

/* U[W] and responsibilities resp [modes][W] of a tile's rows y. Results go through memory because
 * their readers want single lanes. */
JEBM_INLINE void evaluate_tile(const jebm_gmm_view *v, const float *y, float *resp, float *U) {
    const size_t groups = groups_of(v);
    vf least = vf_set(INFINITY), sum = {0};
    for (size_t k = 0; k < v->modes; k++) {
        const float *means = v->means + k * v->padded;
        vf squares[W] = {{0}};
        for (size_t g = 0; g < groups; g++) {
            const vf mean = vf_load(means + g * W);
            JEBM_UNROLL
            for (size_t l = 0; l < W; l++) {
                const vf t = mean - vf_load(y + AT(g, l));
                squares[l] = vf_fma(t, t, squares[l]);
            }
        }
        const vf energy = vf_fma(vf_reduce_rows(squares), vf_set(0.5f), vf_set(v->z[k]));
        least = vf_min(energy, least);
        vf_store(resp + k * W, energy);
    }
    for (size_t k = 0; k < v->modes; k++) {
        const vf r = vf_exp(least - vf_load(resp + k * W));
        vf_store(resp + k * W, r);
        sum += r;
    }
    const vf scale = 1.0f / sum;
    for (size_t k = 0; k < v->modes; k++) {
        vf_store(resp + k * W, vf_load(resp + k * W) * scale);
    }
    vf_store(U, least - vf_log(sum));
}

/* results of a tile to where its walkers keep them */
JEBM_INLINE void store_walkers(const tile *t, size_t modes, const float *resp, const float *U,
                               jebm_ensemble *e) {
    if (t->contiguous) {
        for (size_t l = 0; l < W; l += W / 2) {
            vd_store(e->U + t->id[0] + l, vd_load_floats(U + l));
        }
    } else {
        for (size_t l = 0; l < t->lanes; l++) {
            e->U[t->id[l]] = U[l];
        }
    }
    for (size_t k = 0; k < modes; k++) {
        for (size_t l = 0; l < t->lanes; l++) {
            e->cache[t->id[l] * modes + k] = resp[k * W + l];
        }
    }
}

static void begin(const jebm_gmm_view *v, size_t m, const uint32_t *ids, jebm_ensemble *e) {
    _Alignas(64) float y[W * JEBM_GMM_MAX_D];
    for (size_t first = 0; first < m; first += W) {
        const tile t = walkers_tile(e, ids, m, first);
        float resp[JEBM_GMM_MAX_MODES * W], U[W];
        load_tile(&t, v->d, y);
        evaluate_tile(v, y, resp, U);
        store_walkers(&t, v->modes, resp, U, e);
    }
}

static void eval(const jebm_gmm_view *v, size_t n, const float *x, float *U, float *resp) {
    _Alignas(64) float y[W * JEBM_GMM_MAX_D];
    for (size_t first = 0; first < n; first += W) {
        const tile t = rows_tile(x, v->d, n, first);
        float r[JEBM_GMM_MAX_MODES * W];
        load_tile(&t, v->d, y);
        evaluate_tile(v, y, r, U + first);
        for (size_t k = 0; k < v->modes; k++) {
            vf_store(resp + k * JEBM_BLOCK + first, vf_load(r + k * W));
        }
    }
}

/* noise [W][4 blocks]: sqrt(2h) xi of the tile's walkers */
JEBM_INLINE void tile_noise(const jebm_rng_site *site, const tile *t, size_t blocks,
                            float variance_2, float *noise) {
    const vu lane_block = JEBM_LANE_BLOCK;
    if (t->contiguous) {
        const uint32_t base = t->id[0] * (uint32_t)blocks;
        for (size_t g = 0; g < blocks; g++) {
            normals_vector(lane_block + (base + (uint32_t)(g * W)), site, variance_2,
                           noise + 4 * g * W);
        }
        return;
    }
    uint32_t index[W * JEBM_GMM_MAX_D / 4];
    for (size_t l = 0; l < W; l++) {
        for (size_t q = 0; q < blocks; q++) {
            index[l * blocks + q] = t->id[l] * (uint32_t)blocks + (uint32_t)q;
        }
    }
    for (size_t g = 0; g < blocks; g++) {
        vu mine;
        for (size_t l = 0; l < W; l++) {
            mine[l] = index[g * W + lane_block[l]];
        }
        normals_vector(mine, site, variance_2, noise + 4 * g * W);
    }
}

/* y = (1-h) x + sum_k (h r_k) m_k + noise, pull [modes][W] being h r; and lanes of |noise|^2 */
JEBM_INLINE void move_tile(const jebm_gmm_view *v, const float *x, const float *noise,
                           size_t stride, const float *pull, vf keep, float *y, vf squares[W]) {
    for (size_t g = 0; g * W < v->d; g++) {
        const size_t left = v->d - g * W;
        vf step[W], to[W];
        for (size_t l = 0; l < W; l++) {
            const float *from = noise + l * stride + g * W;
            step[l] = left >= W ? vf_load(from) : vf_load_tail(from, left);
        }
        JEBM_UNROLL
        for (size_t l = 0; l < W; l++) {
            squares[l] = vf_fma(step[l], step[l], squares[l]);
            to[l] = vf_fma(keep, vf_load(x + AT(g, l)), step[l]);
        }
        for (size_t k = 0; k < v->modes; k++) {
            const vf mean = vf_load(v->means + k * v->padded + g * W);
            JEBM_UNROLL
            for (size_t l = 0; l < W; l++) {
                to[l] = vf_fma(mean, vf_set(pull[k * W + l]), to[l]);
            }
        }
        JEBM_UNROLL
        for (size_t l = 0; l < W; l++) {
            vf_store(y + AT(g, l), to[l]);
        }
    }
}

/* squares -= lanes of |x - (1-h) y - sum_k (h r'_k) m'_k|^2, the noise that would take y back */
JEBM_INLINE void back_tile(const jebm_gmm_view *v, const float *x, const float *y,
                           const float *pull, vf keep, vf squares[W]) {
    for (size_t g = 0; g < groups_of(v); g++) {
        vf back[W];
        JEBM_UNROLL
        for (size_t l = 0; l < W; l++) {
            back[l] = vf_fnma(keep, vf_load(y + AT(g, l)), vf_load(x + AT(g, l)));
        }
        for (size_t k = 0; k < v->modes; k++) {
            const vf mean = vf_load(v->means + k * v->padded + g * W);
            JEBM_UNROLL
            for (size_t l = 0; l < W; l++) {
                back[l] = vf_fnma(mean, vf_set(pull[k * W + l]), back[l]);
            }
        }
        JEBM_UNROLL
        for (size_t l = 0; l < W; l++) {
            squares[l] = vf_fnma(back[l], back[l], squares[l]);
        }
    }
}

/* |grad U(y)|^2 = |y - sum_k r_k m_k|^2 of each row */
JEBM_INLINE vf grad_tile(const jebm_gmm_view *v, const float *y, const float *resp) {
    vf squares[W];
    for (size_t l = 0; l < W; l++) {
        squares[l] = (vf){0};
        for (size_t g = 0; g < groups_of(v); g++) {
            vf grad = vf_load(y + AT(g, l));
            for (size_t k = 0; k < v->modes; k++) {
                grad = vf_fnma(vf_set(resp[k * W + l]), vf_load(v->means + k * v->padded + g * W),
                               grad);
            }
            squares[l] = vf_fma(grad, grad, squares[l]);
        }
    }
    return vf_reduce_rows(squares);
}

/* log-weight increments of a tile by the rules that look at the new position only; resp and U are
 * those under `next` */
JEBM_INLINE vf change_at_new(const jebm_gmm_view *now, const jebm_gmm_view *next, float h,
                             jebm_weight_rule rule, const float *y, const float *resp,
                             const float *U) {
    float resp_now[JEBM_GMM_MAX_MODES * W], U_now[W];
    evaluate_tile(now, y, resp_now, U_now);
    const vf change = vf_load(U_now) - vf_load(U);
    if (rule == JEBM_WEIGHTS_CONTINUOUS) {
        return change;
    }
    return change + (grad_tile(now, y, resp_now) - grad_tile(next, y, resp)) * (0.25f * h);
}

/* A += U_k(x) - U_{k+1}(y) + change */
JEBM_INLINE void weigh_walkers(const tile *t, const float *U, const float *change,
                               jebm_ensemble *e) {
    if (t->contiguous) {
        double *logw = e->logw + t->id[0];
        const double *before = e->U + t->id[0];
        for (size_t l = 0; l < W; l += W / 2) {
            const vd fall = vd_load(before + l) - vd_load_floats(U + l);
            vd_store(logw + l, vd_load(logw + l) + (fall + vd_load_floats(change + l)));
        }
        return;
    }
    for (size_t l = 0; l < t->lanes; l++) {
        e->logw[t->id[l]] += (e->U[t->id[l]] - (double)U[l]) + (double)change[l];
    }
}

JEBM_INLINE void step_tile(const jebm_gmm_view *now, const jebm_gmm_view *next, float h,
                           jebm_weight_rule rule, const jebm_rng_site *site, const tile *t,
                           jebm_ensemble *e) {
    _Alignas(64) float noise[W * JEBM_GMM_MAX_D], x[W * JEBM_GMM_MAX_D], y[W * JEBM_GMM_MAX_D];
    float pull[JEBM_GMM_MAX_MODES * W], resp[JEBM_GMM_MAX_MODES * W], U[W], change[W];
    const size_t d = now->d, modes = now->modes, blocks = (d + 3) / 4;
    const vf keep = vf_set(1.0f - h);
    vf squares[W] = {{0}};

    tile_noise(site, t, blocks, -4.0f * h, noise);
    load_tile(t, d, x);
    for (size_t l = 0; l < W; l++) {
        for (size_t k = 0; k < modes; k++) {
            pull[k * W + l] = h * e->cache[t->id[l] * modes + k];
        }
    }
    move_tile(now, x, noise, 4 * blocks, pull, keep, y, squares);
    evaluate_tile(next, y, resp, U);

    /* A += U_k(x) - U_{k+1}(y) + (|noise|^2 - |noise back|^2) / 4h, from the walkers' old rows */
    if (rule == JEBM_WEIGHTS_EXACT) {
        for (size_t k = 0; k < modes; k++) {
            vf_store(pull + k * W, vf_load(resp + k * W) * h);
        }
        back_tile(next, x, y, pull, keep, squares);
        vf_store(change, vf_reduce_rows(squares) * (0.25f / h));
        weigh_walkers(t, U, change, e);
    } else if (rule != JEBM_WEIGHTS_FROZEN) {
        vf_store(change, change_at_new(now, next, h, rule, y, resp, U));
        for (size_t l = 0; l < t->lanes; l++) {
            e->logw[t->id[l]] += (double)change[l];
        }
    }
    store_walkers(t, modes, resp, U, e);
    for (size_t l = 0; l < t->lanes; l++) {
        float *to = e->x + (size_t)t->id[l] * d;
        size_t g = 0;
        for (; (g + 1) * W <= d; g++) {
            vf_store(to + g * W, vf_load(y + AT(g, l)));
        }
        if (g * W < d) {
            vf_store_tail(to + g * W, d - g * W, vf_load(y + AT(g, l)));
        }
    }
}

static void step(const jebm_gmm_view *now, const jebm_gmm_view *next, double h,
                 jebm_weight_rule rule, const jebm_rng_site *site, size_t m, const uint32_t *ids,
                 jebm_ensemble *e) {
    for (size_t first = 0; first < m; first += W) {
        const tile t = walkers_tile(e, ids, m, first);
        step_tile(now, next, (float)h, rule, site, &t, e);
    }
}

/* Sums over n rows of coef_k (m_k - x) for two modes, in `full` whole vectors of columns from c
 * and, with `tail` > 0 columns more, a last one. full and whether there is a tail are constants at
 * every call, so that the accumulators live in registers. */
JEBM_INLINE void accumulate_pass(const jebm_gmm_view *v, size_t n, const float *x,
                                 const float *const coef[2], const size_t mode[2], size_t c,
                                 size_t full, size_t tail, double *g) {
    const size_t vectors = full + (tail > 0);
    vf acc[2][4] = {{{0}}}, mean[2][4];
    for (size_t p = 0; p < vectors; p++) {
        mean[0][p] = vf_load(v->means + mode[0] * v->padded + c + p * W);
        mean[1][p] = vf_load(v->means + mode[1] * v->padded + c + p * W);
    }
    for (size_t i = 0; i < n; i++) {
        const float *row = x + i * v->d + c;
        const vf c0 = vf_set(coef[0][i]), c1 = vf_set(coef[1][i]);
        JEBM_UNROLL
        for (size_t p = 0; p < vectors; p++) {
            const vf point = p < full ? vf_load(row + p * W) : vf_load_tail(row + p * W, tail);
            acc[0][p] = vf_fma(c0, mean[0][p] - point, acc[0][p]);
            acc[1][p] = vf_fma(c1, mean[1][p] - point, acc[1][p]);
        }
    }
    const size_t columns = full * W + tail;
    for (size_t o = 0; o < 1 + (mode[0] != mode[1]); o++) {
        float sums[4 * W];
        for (size_t p = 0; p < vectors; p++) {
            vf_store(sums + p * W, acc[o][p]);
        }
        for (size_t j = 0; j < columns; j++) {
            g[mode[o] * v->d + c + j] += sums[j];
        }
    }
}

/* all columns of two modes */
JEBM_INLINE void accumulate_modes(const jebm_gmm_view *v, size_t n, const float *x,
                                  const float *const coef[2], const size_t mode[2], double *g) {
    const size_t tail = v->d % W;
    size_t c = 0;
    for (; c + 4 * W <= v->d; c += 4 * W) {
        accumulate_pass(v, n, x, coef, mode, c, 4, 0, g);
    }
    /* what is left: 0 to 3 whole vectors, and perhaps a tail */
    switch (2 * ((v->d - c) / W) + (tail > 0)) {
    case 7:
        accumulate_pass(v, n, x, coef, mode, c, 3, tail, g);
        break;
    case 6:
        accumulate_pass(v, n, x, coef, mode, c, 3, 0, g);
        break;
    case 5:
        accumulate_pass(v, n, x, coef, mode, c, 2, tail, g);
        break;
    case 4:
        accumulate_pass(v, n, x, coef, mode, c, 2, 0, g);
        break;
    case 3:
        accumulate_pass(v, n, x, coef, mode, c, 1, tail, g);
        break;
    case 2:
        accumulate_pass(v, n, x, coef, mode, c, 1, 0, g);
        break;
    case 1:
        accumulate_pass(v, n, x, coef, mode, c, 0, tail, g);
        break;
    default:
        break;
    }
}

JEBM_INLINE double sum_of(size_t n, const float *v) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += v[i];
    }
    return sum;
}

static void accumulate(const jebm_gmm_view *v, size_t n, const float *x, const float *coef,
                       double *g) {
    for (size_t k = 0; k < v->modes; k += 2) {
        /* an odd last mode is paired with itself, and counted once */
        const size_t mode[2] = {k, k + 1 < v->modes ? k + 1 : k};
        const float *const pair[2] = {coef + mode[0] * JEBM_BLOCK, coef + mode[1] * JEBM_BLOCK};
        accumulate_modes(v, n, x, pair, mode, g);
    }
    for (size_t k = 1; k < v->modes; k++) {
        g[v->modes * v->d + k - 1] += sum_of(n, coef + k * JEBM_BLOCK);
    }
}

/* padding of means and toward is 0, and so is what vf_load_tail() adds to a point */
static void influence(const jebm_gmm_view *v, size_t n, const float *x, const float *resp,
                      const float *toward, const double rate[2], const double *z_mean,
                      double *out) {
    for (size_t i = 0; i < n; i++) {
        const float *row = x + i * v->d;
        double sum = 0.0;
        for (size_t k = 0; k < v->modes; k++) {
            const float *mean = v->means + k * v->padded, *other = toward + k * v->padded;
            const double r = resp[i * v->modes + k];
            vf square = {0}, product = {0};
            for (size_t c = 0; c < v->d; c += W) {
                const vf point = v->d - c >= W ? vf_load(row + c) : vf_load_tail(row + c, v->d - c);
                const vf g = vf_load(mean + c) - point;
                square = vf_fma(g, g, square);
                product = vf_fma(g, vf_load(other + c), product);
            }
            for (size_t l = 0; l < W; l++) {
                sum += rate[0] * (r * r * (double)square[l] - r * (double)product[l]);
            }
            sum += k > 0 ? rate[1] * (r * r - r * z_mean[k - 1]) : 0.0;
        }
        out[i] = sum;
    }
}

const jebm_gmm_kernels JEBM_KERNEL(jebm_gmm_kernels) = {eval, begin, step, accumulate, influence};
