/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gmm_reference.h"

#include <math.h>
#include <string.h>

enum { MAX_MODES = 64, MAX_D = 4096 };

double gmm_reference_z(const gmm_reference *m, size_t k) {
    return k == 0 ? 0.0 : m->theta[m->modes * m->d + k - 1];
}

double gmm_reference_energy(const gmm_reference *m, const double *x, double *resp) {
    double exponent[MAX_MODES], largest = -INFINITY, sum = 0.0;
    for (size_t k = 0; k < m->modes; k++) {
        exponent[k] = -gmm_reference_z(m, k);
        for (size_t j = 0; j < m->d; j++) {
            const double t = x[j] - m->theta[k * m->d + j];
            exponent[k] -= 0.5 * t * t;
        }
        largest = fmax(largest, exponent[k]);
    }
    for (size_t k = 0; k < m->modes; k++) {
        sum += exp(exponent[k] - largest);
    }
    for (size_t k = 0; k < m->modes && resp != NULL; k++) {
        resp[k] = exp(exponent[k] - largest) / sum;
    }
    return -largest - log(sum);
}

void gmm_reference_grad_x(const gmm_reference *m, const double *x, double *grad) {
    double resp[MAX_MODES];
    gmm_reference_energy(m, x, resp);
    memset(grad, 0, m->d * sizeof *grad);
    for (size_t k = 0; k < m->modes; k++) {
        for (size_t j = 0; j < m->d; j++) {
            grad[j] += resp[k] * (x[j] - m->theta[k * m->d + j]);
        }
    }
}

void gmm_reference_grad_theta(const gmm_reference *m, const double *x, double w, double *g) {
    double resp[MAX_MODES];
    gmm_reference_energy(m, x, resp);
    for (size_t k = 0; k < m->modes; k++) {
        for (size_t j = 0; j < m->d; j++) {
            g[k * m->d + j] += w * resp[k] * (m->theta[k * m->d + j] - x[j]);
        }
        if (k > 0) {
            g[m->modes * m->d + k - 1] += w * resp[k];
        }
    }
}

double gmm_reference_log_z(const gmm_reference *m) {
    double largest = -INFINITY, sum = 0.0;
    for (size_t k = 0; k < m->modes; k++) {
        largest = fmax(largest, -gmm_reference_z(m, k));
    }
    for (size_t k = 0; k < m->modes; k++) {
        sum += exp(-gmm_reference_z(m, k) - largest);
    }
    return 0.5 * (double)m->d * log(2.0 * acos(-1.0)) + largest + log(sum);
}

void gmm_reference_move(const gmm_reference *m, double h, const double *x, const double *noise,
                        double *y) {
    double grad[MAX_D];
    gmm_reference_grad_x(m, x, grad);
    for (size_t j = 0; j < m->d; j++) {
        y[j] = x[j] - h * grad[j] + noise[j];
    }
}

/* alpha(x, y) = U(x) + (y - x) . grad U(x) / 2 + h |grad U(x)|^2 / 4, eq. (6) */
static double alpha(const gmm_reference *m, double h, const double *x, const double *y) {
    double grad[MAX_D], value = gmm_reference_energy(m, x, NULL);
    gmm_reference_grad_x(m, x, grad);
    for (size_t j = 0; j < m->d; j++) {
        value += 0.5 * (y[j] - x[j]) * grad[j] + 0.25 * h * grad[j] * grad[j];
    }
    return value;
}

double gmm_reference_exact(const gmm_reference *now, const gmm_reference *next, double h,
                           const double *x, const double *y) {
    return alpha(now, h, x, y) - alpha(next, h, y, x);
}

double gmm_reference_released(const gmm_reference *now, const gmm_reference *next, double h,
                              const double *y) {
    return alpha(now, h, y, y) - alpha(next, h, y, y);
}
