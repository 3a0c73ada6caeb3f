/* Time of passes through networks: the paper's for MNIST, and those of the CIFAR-10 experiments
 * with n_f = 32 and 64, for every back end of matrix products: outputs, outputs and gradient in x,
 * gradient in theta. Beside them the machine's measured peak: fused multiply-adds in registers, all
 * threads. All rows are interleaved, so that a drift of the machine's speed touches all alike. CSV
 * on standard output, a table on standard error.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/isa.h"
#include "core/waiting.h"
#include "nn/network.h"
#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORWARD, GRADIENT, THETA, PASSES };
static const char *const passes[PASSES] = {"forward", "forward+grad_x", "grad_theta"};
/* products of a pass, in those of a forward pass */
static const double products[PASSES] = {1.0, 2.0, 3.0};

typedef struct subject {
    const char *name, *spec;
    jebm_shape shape;
    size_t batch;
} subject;

#define CIFAR(f, f2, f4, f8)                                                           \
    "conv " #f " k3 s1 p1 | leaky 0.2 | conv " #f2 " k4 s2 p1 | leaky 0.2 | conv " #f4 \
    " k4 s2 p1 | leaky 0.2 | conv " #f8 " k4 s2 p1 | leaky 0.2 | conv 1 k4"

enum { SUBJECTS = 3 };
static const subject subjects[SUBJECTS] = {
    {"mnist",
     "conv 16 k5 s2 p4 | silu | conv 32 k3 s2 p1 | silu | conv 64 k3 s2 p1 | silu | "
     "conv 64 k3 s2 p1 | silu | flatten | linear 64 | silu | linear 1",
     {1, 28, 28},
     256},
    {"cifar-32", CIFAR(32, 64, 128, 256), {3, 32, 32}, 64},
    {"cifar-64", CIFAR(64, 128, 256, 512), {3, 32, 32}, 64},
};

/* a network on a back end, and what each thread needs */
typedef struct row {
    const subject *subject;
    jebm_network *net;
    jebm_weights *weights;
    int nthreads;
    jebm_workspace **ws; /* [nthreads] */
    float *x, *F, *grad; /* [batch] */
    double **g; /* [nthreads][nparams] */
    double *time[PASSES], *cpu[PASSES]; /* [repeats] us an image, and CPU us of all threads */
} row;

/* ---- the peak ------------------------------------------------------------------------------- */

enum { CHAINS = 12, ROUNDS = 2000000 };

/* ROUNDS times CHAINS multiply-adds in registers, independent of each other: in assembly, for a
 * compiler would find a shorter way. The registers hold zeros. Returns the multiply-adds of a
 * thread. */
#if defined(__x86_64__)
#define EACH(X, r) \
    X(r, 0)        \
    X(r, 1) X(r, 2) X(r, 3) X(r, 4) X(r, 5) X(r, 6) X(r, 7) X(r, 8) X(r, 9) X(r, 10) X(r, 11)
#define CLEAR(r, i) "vxorps %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n"
#define MULTIPLY(r, i) "vfmadd213ps %%" r #i ", %%" r #i ", %%" r #i "\n"
#define CHAIN_LOOP(r)                                                                          \
    long n = ROUNDS;                                                                           \
    __asm__ volatile(EACH(CLEAR, r) "1:\n" EACH(MULTIPLY, r) "dec %0\n jnz 1b\n vzeroupper\n"  \
                     : "+r"(n)                                                                 \
                     :                                                                         \
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
                       "xmm9", "xmm10", "xmm11", "cc");

static double chains_avx512(void) {
    CHAIN_LOOP("zmm")
    return 16.0 * CHAINS * ROUNDS;
}

static double chains_avx2(void) {
    CHAIN_LOOP("ymm")
    return 8.0 * CHAINS * ROUNDS;
}
#endif

/* CPU time of all threads. On a busy machine it says what the program needs, which the clock does
 * not (with OMP_WAIT_POLICY=passive, lest waiting counts, too). */
static double cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

/* GFLOP/s of a core while all threads compute; NAN where there is no loop for this CPU */
static double peak(void) {
#if defined(__x86_64__)
    double (*const loop)(void) = __builtin_cpu_supports("avx512f") ? chains_avx512
                                 : __builtin_cpu_supports("fma")   ? chains_avx2
                                                                   : NULL;
    if (loop != NULL) {
        double multiplied = 0.0;
        const double begin = cpu_ns();
#ifdef _OPENMP
#pragma omp parallel reduction(+ : multiplied)
#endif
        multiplied += loop();
        return 2.0 * multiplied / (cpu_ns() - begin);
    }
#endif
    return NAN;
}

/* ---- what is timed -------------------------------------------------------------------------- */

/* d F / d F, as of a sum of energies */
static void one(void *context, size_t image, const float *y, float *dy) {
    (void)context, (void)image, (void)y;
    dy[0] = 1.0f;
}

/* a thread's share of the batch, in whole tiles */
static void share(const row *r, int thread, size_t *first, size_t *count) {
    const size_t tile = jebm_network_tile(r->net), tiles = (r->subject->batch + tile - 1) / tile;
    const size_t begin = tiles * (size_t)thread / (size_t)r->nthreads * tile;
    const size_t end = tiles * (size_t)(thread + 1) / (size_t)r->nthreads * tile;
    *first = begin;
    *count = (end < r->subject->batch ? end : r->subject->batch) - begin;
}

static void pass(const row *r, int kind, int thread) {
    size_t first, n;
    share(r, thread, &first, &n);
    const float *x = r->x + first * jebm_network_inputs(r->net);
    float *grad = r->grad + first * jebm_network_inputs(r->net);
    jebm_workspace *ws = r->ws[thread];
    if (kind == FORWARD) {
        jebm_network_forward(r->net, r->weights, n, x, r->F + first, ws);
    } else if (kind == GRADIENT) {
        jebm_network_gradient(r->net, r->weights, n, x, r->F + first, grad, ws);
    } else {
        jebm_network_backward(r->net, r->weights, n, x, one, NULL, r->g[thread], ws);
    }
}

/* us an image, and CPU us of all threads */
static void timed(const row *r, int kind, size_t passes_each, double *wall, double *cpu) {
    const double images = (double)(passes_each * r->subject->batch);
    const double begin = now_ns(), cpu_begin = cpu_ns();
    for (size_t i = 0; i < passes_each; i++) {
#ifdef _OPENMP
#pragma omp parallel for schedule(static, 1)
#endif
        for (int thread = 0; thread < r->nthreads; thread++) {
            pass(r, kind, thread);
        }
    }
    *wall = (now_ns() - begin) / 1e3 / images;
    *cpu = (cpu_ns() - cpu_begin) / 1e3 / images;
}

/* so many that a repeat takes some 10 ms on this year's machines */
static size_t passes_of(const row *r) {
    const double work = jebm_network_macs(r->net) * (double)r->subject->batch;
    return work < 1e9 ? 4 : 1;
}

/* ---- set-up --------------------------------------------------------------------------------- */

static jebm_status set_up_threads(row *r, size_t nparams, jebm_error *err) {
    r->nthreads = threads();
    r->ws = calloc((size_t)r->nthreads, sizeof *r->ws);
    r->g = calloc((size_t)r->nthreads, sizeof *r->g);
    for (int t = 0; r->ws != NULL && r->g != NULL && t < r->nthreads; t++) {
        r->g[t] = calloc(nparams, sizeof **r->g);
        JEBM_TRY(jebm_workspace_new(r->net, &r->ws[t], err));
    }
    return JEBM_OK;
}

static jebm_status set_up(const subject *s, jebm_gemm_backend backend, size_t repeats, row *r,
                          jebm_error *err) {
    r->subject = s;
    JEBM_TRY(jebm_network_new(s->spec, s->shape, backend, 0, &r->net, err));
    JEBM_TRY(jebm_weights_new(r->net, &r->weights, err));
    const size_t nparams = jebm_network_nparams(r->net), in = jebm_network_inputs(r->net);
    JEBM_TRY(set_up_threads(r, nparams, err));
    double *theta = malloc(nparams * sizeof *theta);
    r->x = malloc(s->batch * in * sizeof *r->x);
    r->grad = malloc(s->batch * in * sizeof *r->grad);
    r->F = malloc(s->batch * sizeof *r->F);
    for (int kind = 0; kind < PASSES; kind++) {
        r->time[kind] = calloc(repeats, sizeof **r->time);
        r->cpu[kind] = calloc(repeats, sizeof **r->cpu);
    }
    if (theta == NULL || r->x == NULL || r->grad == NULL || r->F == NULL) {
        free(theta);
        return jebm_fail(err, JEBM_ENOMEM, "not enough memory");
    }
    jebm_network_init(r->net, jebm_rng_make(1, 1), theta);
    jebm_weights_set(r->net, r->weights, theta);
    jebm_rng_normals(jebm_rng_make(1, 2), JEBM_LANE_NOISE, 0, 0, s->batch, in, 0.5f, r->x);
    free(theta);
    for (int kind = 0; kind < PASSES; kind++) {
        timed(r, kind, 1, r->time[kind], r->cpu[kind]);
    }
    return isfinite(r->F[s->batch - 1])
               ? JEBM_OK
               : jebm_fail(err, JEBM_EDIVERGE, "%s: F is not finite", s->name);
}

static void clear(row *r) {
    for (int t = 0; t < r->nthreads; t++) {
        jebm_workspace_free(r->ws[t]);
        free(r->g[t]);
    }
    for (int kind = 0; kind < PASSES; kind++) {
        free(r->time[kind]);
        free(r->cpu[kind]);
    }
    free(r->ws);
    free(r->g);
    free(r->x);
    free(r->F);
    free(r->grad);
    jebm_weights_free(r->weights);
    jebm_network_free(r->net);
}

/* ---- report --------------------------------------------------------------------------------- */

static void report(const row *r, size_t repeats, double peak_now) {
    for (int kind = 0; kind < PASSES; kind++) {
        const double us = median(repeats, r->time[kind]), cpu = median(repeats, r->cpu[kind]);
        const double work = 2e-3 * products[kind] * jebm_network_macs(r->net);
        const char *backend = jebm_gemm_name(jebm_network_backend(r->net));
        printf("%s,%s,%s,%zu,%d,%s,%.5g,%.5g,%.5g,%.5g,%.5g,%.4g\n", r->subject->name, backend,
               passes[kind], r->subject->batch, threads(), jebm_isa_name(), us, r->time[kind][0],
               r->time[kind][repeats - 1], cpu, work / us, work / cpu / peak_now);
        fprintf(stderr, "%-13s %-9s %-15s %10.2f %10.2f %9.1f %8.0f %%\n", r->subject->name,
                backend, passes[kind], us, cpu, work / us, 100.0 * work / cpu / peak_now);
    }
}

static void report_all(const row *rows, size_t n, size_t repeats, double *peaks) {
    const double peak_now = median(repeats, peaks);
    fprintf(stderr,
            "# %d threads, %s kernels; medians of %zu interleaved repeats\n"
            "# peak: %.0f GFLOP/s a core of fp32 multiply-adds in registers (%.0f to %.0f)\n"
            "# of peak: of that and the CPU time, which holds on a busy machine, too\n"
            "%-13s %-9s %-15s %10s %10s %9s %10s\n",
            threads(), jebm_isa_name(), repeats, peak_now, peaks[0], peaks[repeats - 1], "network",
            "back end", "pass", "us/image", "CPU us", "GFLOP/s", "of peak");
    printf("network,backend,pass,batch,threads,isa,us_median,us_min,us_max,cpu_us_median,gflops,"
           "of_peak\n");
    for (size_t i = 0; i < n; i++) {
        report(&rows[i], repeats, peak_now);
    }
}

static void measure(row *rows, size_t n, size_t repeats, double *peaks) {
    for (size_t i = 0; i < repeats; i++) {
        peaks[i] = peak();
        for (size_t j = 0; j < n; j++) {
            for (int kind = 0; kind < PASSES; kind++) {
                timed(&rows[j], kind, passes_of(&rows[j]), &rows[j].time[kind][i],
                      &rows[j].cpu[kind][i]);
            }
        }
    }
}

/* is a word on the command line? */
static bool named(const char *word, int argc, char **argv) {
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], word) == 0) {
            return true;
        }
    }
    return false;
}

/* networks and back ends that are named; if none is, all but the reference, which takes minutes */
static bool wanted(const subject *s, jebm_gemm_backend backend, int argc, char **argv) {
    bool some_subject = false, some_backend = false;
    for (int i = 0; i < SUBJECTS; i++) {
        some_subject = some_subject || named(subjects[i].name, argc, argv);
    }
    for (int b = 0; b < JEBM_GEMM_COUNT; b++) {
        some_backend = some_backend || named(jebm_gemm_name((jebm_gemm_backend)b), argc, argv);
    }
    return jebm_gemm_available(backend) && (!some_subject || named(s->name, argc, argv)) &&
           (some_backend ? named(jebm_gemm_name(backend), argc, argv)
                         : backend != JEBM_GEMM_REFERENCE);
}

int main(int argc, char **argv) {
    jebm_waiting_limit(argv);
    const size_t repeats = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 7;
    int status_of_usage = 0;
    if (shows_usage(argc, argv, repeats < 1 || repeats > 10000,
                    "usage: bench_network [REPEATS, 1 to 10000; default 7 [WORD...]]\n"
                    "words: networks (mnist, cifar-32, cifar-64) and back ends (reference, "
                    "openblas, onednn, bf16)\n"
                    "threads: OMP_NUM_THREADS; instruction set: JEBM_ISA\n",
                    &status_of_usage)) {
        return status_of_usage;
    }
    if (jebm_gemm_warning() != NULL) {
        fprintf(stderr, "# %s\n", jebm_gemm_warning());
    }
    jebm_error err = {0};
    row rows[SUBJECTS * JEBM_GEMM_COUNT] = {0};
    size_t n = 0;
    jebm_status status = JEBM_OK;
    for (int s = 0; s < SUBJECTS; s++) {
        for (int b = 0; status == JEBM_OK && b < JEBM_GEMM_COUNT; b++) {
            if (wanted(&subjects[s], (jebm_gemm_backend)b, argc, argv)) {
                status = set_up(&subjects[s], (jebm_gemm_backend)b, repeats, &rows[n++], &err);
            }
        }
    }
    double *peaks = calloc(repeats, sizeof *peaks);
    if (status == JEBM_OK && peaks != NULL) {
        measure(rows, n, repeats, peaks);
        report_all(rows, n, repeats, peaks);
    } else {
        fprintf(stderr, "bench_network: %s\n", err.text);
    }
    for (size_t i = 0; i < n; i++) {
        clear(&rows[i]);
    }
    free(peaks);
    return status == JEBM_OK ? 0 : 1;
}
