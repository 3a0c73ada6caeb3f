/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "energy/energy.h"

#include "core/threads.h"

#include <assert.h>
#include <string.h>

size_t jebm_energy_cache_width(const jebm_energy *e) {
    return e->ops->cache_width != NULL ? e->ops->cache_width(e) : e->d;
}

void jebm_energy_set(jebm_energy *e, const double *theta) {
    memcpy(e->theta, theta, e->nparams * sizeof *theta);
    e->ops->refresh(e);
}

jebm_status jebm_energy_room(jebm_energy *e, jebm_error *err) {
    return e->ops->room != NULL ? e->ops->room(e, jebm_thread_count(), err) : JEBM_OK;
}

void jebm_energy_accumulate(const jebm_energy *e, size_t first, size_t n, const float *w,
                            const jebm_ensemble *ens, double *g) {
    if (e->ops->cache_width != NULL) {
        e->ops->accumulate(e, first, n, w, ens, g);
    } else {
        e->ops->theta_grad(e, n, ens->x + first * ens->d, w, g);
    }
}

double jebm_energy_data(const jebm_energy *e, size_t n, const float *x, double *g) {
    assert(n <= JEBM_BLOCK);
    if (e->ops->data != NULL) {
        return e->ops->data(e, n, x, g);
    }
    double U[JEBM_BLOCK], sum = 0.0;
    e->ops->eval(e, n, x, U, NULL);
    e->ops->theta_grad(e, n, x, NULL, g);
    for (size_t i = 0; i < n; i++) {
        sum += U[i];
    }
    return sum;
}

void jebm_energy_free(jebm_energy *e) {
    if (e != NULL) {
        e->ops->free(e);
    }
}
