/* An energy of one's own: a tilted double well, and its log Z by the Jarzynski identity.
 *
 *   U_theta(x) = theta_0 x^2/2 + theta_1 (x^2 - 1)^2 + theta_2 x      in one dimension
 *
 * Walkers start at N(0, 1), which is theta = (1, 0, 0), and follow a path of theta that is fixed
 * beforehand, to theta = (0, DEPTH, TILT). Their weights then give log Z at the end, which is
 * compared with a quadrature. Build it against the installed library:
 *
 *   cc -std=c17 double_well.c $(pkg-config --cflags --libs jebm) -lm -o double_well
 *
 * Exit status 0 if the two agree within four standard errors, 1 if not.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <jebm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMETERS = 3, WALKERS = 4000, ITERATIONS = 500 };
#define DEPTH 3.0
#define TILT 0.5
#define LOG_2PI 1.8378770664093453

/* ---- the energy: what every energy must know ------------------------------------------------ */

/* dU/dtheta, in which U is linear */
static void features(double x, double f[PARAMETERS]) {
    f[0] = 0.5 * x * x;
    f[1] = (x * x - 1.0) * (x * x - 1.0);
    f[2] = x;
}

static double energy_at(const double *theta, double x) {
    double f[PARAMETERS];
    features(x, f);
    return theta[0] * f[0] + theta[1] * f[1] + theta[2] * f[2];
}

static void evaluate(const jebm_energy *e, size_t n, const float *x, double *U, float *grad) {
    for (size_t i = 0; i < n; i++) {
        const double y = x[i], *theta = e->theta;
        if (U != NULL) {
            U[i] = energy_at(theta, y);
        }
        if (grad != NULL) {
            grad[i] = (float)(theta[0] * y + 4.0 * theta[1] * y * (y * y - 1.0) + theta[2]);
        }
    }
}

static void theta_gradient(const jebm_energy *e, size_t n, const float *x, const float *w,
                           double *g) {
    for (size_t i = 0; i < n; i++) {
        double f[PARAMETERS];
        features(x[i], f);
        for (size_t j = 0; j < e->nparams; j++) {
            g[j] += (w != NULL ? w[i] : 1.0) * f[j];
        }
    }
}

/* nothing is derived from theta */
static void refresh(jebm_energy *e) {
    (void)e;
}

static void free_well(jebm_energy *e) {
    free(e->theta);
    free(e);
}

static jebm_energy *copy_well(const jebm_energy *e);

/* ---- and one thing that it need not: where walkers can start --------------------------------- */

/* N(0, 1): U_ref = x^2/2, log Z_ref = log(2 pi)/2 */
static double reference(const jebm_energy *e, jebm_rng rng, size_t first, size_t n, float *x,
                        double *U_ref) {
    (void)e;
    jebm_rng_normals(rng, JEBM_LANE_INIT, 0, first, n, 1, 1.0f, x);
    for (size_t i = 0; i < n; i++) {
        U_ref[i] = 0.5 * (double)x[i] * (double)x[i];
    }
    return 0.5 * LOG_2PI;
}

static const jebm_energy_ops double_well = {.name = "double well",
                                            .eval = evaluate,
                                            .theta_grad = theta_gradient,
                                            .refresh = refresh,
                                            .copy = copy_well,
                                            .free = free_well,
                                            .reference = reference};

/* NULL without memory */
static jebm_energy *new_well(const double theta[PARAMETERS]) {
    jebm_energy *e = calloc(1, sizeof *e);
    double *own = malloc(PARAMETERS * sizeof *own);
    if (e == NULL || own == NULL) {
        free(e);
        free(own);
        return NULL;
    }
    memcpy(own, theta, PARAMETERS * sizeof *own);
    e->ops = &double_well;
    e->d = 1;
    e->nparams = PARAMETERS;
    e->theta = own;
    e->ngroups = 1;
    e->groups[0] = (jebm_group){"theta", 0, PARAMETERS};
    return e;
}

static jebm_energy *copy_well(const jebm_energy *e) {
    return new_well(e->theta);
}

/* ---- the experiment ---------------------------------------------------------------------------
 */

static const double start[PARAMETERS] = {1.0, 0.0, 0.0}, end[PARAMETERS] = {0.0, DEPTH, TILT};

/* theta_k on the straight line from start to end */
static void straight(void *context, uint64_t k, double *theta) {
    const double t = (double)k / ITERATIONS;
    (void)context;
    for (size_t j = 0; j < PARAMETERS; j++) {
        theta[j] = (1.0 - t) * start[j] + t * end[j];
    }
}

static jebm_status follow(jebm_trainer *t, jebm_error *err) {
    for (int k = 0; k < ITERATIONS; k++) {
        JEBM_TRY(jebm_trainer_step(t, err));
    }
    return JEBM_OK;
}

/* log of the integral of exp(-U) over [from, 6]; beyond 6 it is below exp(-3000). The trapezoidal
 * rule is good to rounding where the integrand vanishes at both ends. */
static double log_integral(double from) {
    enum { INTERVALS = 200000 };
    const double width = (6.0 - from) / INTERVALS;
    double sum = 0.5 * (exp(-energy_at(end, from)) + exp(-energy_at(end, 6.0)));
    for (int i = 1; i < INTERVALS; i++) {
        sum += exp(-energy_at(end, from + i * width));
    }
    return log(sum * width);
}

/* the mass of x > 0 under the weights */
static double right_mass(const jebm_ensemble *e) {
    double *p = malloc(e->n * sizeof *p), mass = 0.0;
    if (p == NULL || jebm_weights_normalise(e->n, e->logw, p) != JEBM_OK) {
        free(p);
        return NAN;
    }
    for (size_t i = 0; i < e->n; i++) {
        mass += e->x[i] > 0.0f ? p[i] : 0.0;
    }
    free(p);
    return mass;
}

static bool compare(const jebm_trainer *t) {
    const jebm_observation o = jebm_trainer_observe(t, 0);
    const double exact = log_integral(-6.0), off = o.log_z - exact;
    printf("log Z        weights %.4f +- %.4f   quadrature %.4f   (%.1f standard errors)\n",
           o.log_z, o.log_z_se, exact, fabs(off) / o.log_z_se);
    printf("mass x > 0   weights %.4f            quadrature %.4f\n",
           right_mass(jebm_trainer_ensemble(t, 0)), exp(log_integral(0.0) - exact));
    return fabs(off) <= 4.0 * o.log_z_se;
}

int main(void) {
    jebm_trainer_config config = {
        .method = JEBM_METHOD_JARZYNSKI,
        .rule = JEBM_WEIGHTS_EXACT,
        .npopulations = 1,
        .walkers = {WALKERS},
        .batch = {WALKERS},
        .inner = 1,
        .h = 0.01,
        .scheme = JEBM_MULTINOMIAL,
        .trigger = JEBM_TRIGGER_ESS,
        .threshold = 0.5,
        .optimizer = {.kind = JEBM_PRESCRIBED, .path = straight},
    };
    config.rng[0] = jebm_rng_make(1, 0);
    const float unused = 0.0f; /* a trainer wants data; a path that is prescribed ignores them */
    jebm_error err = {0};
    jebm_trainer *trainer = NULL;
    bool agree = false;
    jebm_energy *well = new_well(start);
    jebm_status status = well == NULL ? jebm_fail(&err, JEBM_ENOMEM, "not enough memory")
                                      : jebm_trainer_new(&config, well, 1, &unused, &trainer, &err);
    if (status == JEBM_OK) {
        status = follow(trainer, &err);
    }
    if (status == JEBM_OK) {
        agree = compare(trainer);
    } else {
        fprintf(stderr, "double_well: %s\n", err.text);
    }
    jebm_trainer_free(trainer);
    jebm_energy_free(well);
    return agree ? 0 : 1;
}
