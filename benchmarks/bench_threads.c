/* What waiting threads cost: the time of a training iteration by how threads wait, on an idle
 * machine and beside one busy loop a core.
 *
 * libgomp reads its environment before main, so each time is taken by a process of its own: this
 * program starts itself with the environment of a row, and `--time SIZE` prints the nanoseconds of
 * an iteration. Rows of a size are interleaved.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/waiting.h"
#include "overhead/pair.h"
#include "timing.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ns that a child measures, after as long a warm-up of the core's clock */
#define SPAN 300e6

static const struct {
    const char *name;
    pair_config c;
} sizes[] = {
    {"mixture, N = 10^3", {.energy = PAIR_GMM, .batch = 1000, .share = 1, .inner = 1}},
    {"mixture, N = 10^4", {.energy = PAIR_GMM, .batch = 10000, .share = 1, .inner = 1}},
    {"MNIST, N' = 64, M = 1", {.energy = PAIR_MNIST, .batch = 64, .share = 1, .inner = 1}},
    {"MNIST, N' = 64, M = 30", {.energy = PAIR_MNIST, .batch = 64, .share = 1, .inner = 30}},
};
#define SIZES (sizeof sizes / sizeof *sizes)

/* how threads wait: variable and value that the child's environment has, none for the first */
static const struct {
    const char *name, *variable, *value;
} policies[] = {
    {"ours", NULL, NULL},
    {"passive", "OMP_WAIT_POLICY", "passive"},
    {"active", "OMP_WAIT_POLICY", "active"},
    {"OpenMP's own", "GOMP_SPINCOUNT", "300000"},
    {"one thread", "OMP_NUM_THREADS", "1"},
};
#define POLICIES (sizeof policies / sizeof *policies)
enum { IDLE, BUSY, LOADS, MOST = 100 };
static const char *const loads[LOADS] = {"idle", "busy"};

/* ---- the child ------------------------------------------------------------------------------ */

static jebm_status time_size(size_t size, double *ns, jebm_error *err) {
    pair_config c = sizes[size].c;
    c.backend = jebm_gemm_default();
    c.clock = PAIR_WALL;
    c.seed = 1;
    pair *p = NULL;
    JEBM_TRY(pair_new(&c, &p, err));
    jebm_status status = JEBM_OK;
    for (int round = 0; round < 2 && status == JEBM_OK; round++) {
        size_t iterations = 0;
        const double start = now_ns();
        double passed = 0.0;
        for (; status == JEBM_OK && passed < SPAN; passed = now_ns() - start, iterations++) {
            status = pair_iterate(p, err);
        }
        *ns = passed / (double)iterations;
    }
    pair_free(p);
    return status;
}

static int child(const char *size) {
    jebm_error err = {0};
    double ns;
    const size_t i = strtoul(size, NULL, 10);
    if (i >= SIZES || time_size(i, &ns, &err) != JEBM_OK) {
        fprintf(stderr, "bench_threads: %s\n", i < SIZES ? err.text : "no such size");
        return 1;
    }
    printf("%.1f\n", ns);
    return 0;
}

/* ---- the parent ----------------------------------------------------------------------------- */

/* ns of an iteration by a child with this policy; NAN if it did not say */
static double measure(size_t size, size_t policy) {
    int ends[2];
    if (pipe(ends) != 0) {
        return NAN;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        char text[16];
        snprintf(text, sizeof text, "%zu", size);
        if (policies[policy].variable != NULL) {
            setenv(policies[policy].variable, policies[policy].value, 1);
            setenv("KMP_BLOCKTIME", "200", 0); /* libomp's own, where no policy is given */
        }
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "bench_threads", "--time", text, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    double ns = NAN;
    FILE *stream = fdopen(ends[0], "r");
    char line[64] = "";
    if (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        ns = strtod(line, NULL);
    }
    if (stream != NULL) {
        fclose(stream);
    }
    int status = 1;
    if (pid > 0) {
        waitpid(pid, &status, 0);
    }
    return status == 0 ? ns : NAN;
}

static void start_loops(size_t n, pid_t *loops) {
    for (size_t i = 0; i < n; i++) {
        loops[i] = fork();
        if (loops[i] == 0) {
            const pid_t parent = getppid();
            while (getppid() == parent) { /* and end with it */
                for (volatile int k = 0; k < 1000000; k++) {
                }
            }
            _exit(0);
        }
    }
}

static void stop_loops(size_t n, const pid_t *loops) {
    for (size_t i = 0; i < n; i++) {
        if (loops[i] > 0) {
            kill(loops[i], SIGKILL);
            waitpid(loops[i], NULL, 0);
        }
    }
}

int main(int argc, char **argv) {
    jebm_waiting_limit(argv);
    if (argc == 3 && strcmp(argv[1], "--time") == 0) {
        return child(argv[2]);
    }
    const size_t repeats = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 5;
    int status_of_usage = 0;
    if (shows_usage(
            argc, argv, argc > 2 || repeats < 1 || repeats > MOST,
            "usage: bench_threads [REPEATS, 1 to 100; default 5]\n"
            "Time of an iteration by how threads wait, idle and beside one busy loop a core.\n",
            &status_of_usage)) {
        return status_of_usage;
    }
    static const char *const said[] = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME",
                                       "KMP_LIBRARY"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        unsetenv(said[i]);
    }
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    const size_t cores = online > 0 && online < 1024 ? (size_t)online : 1;
    printf("microseconds an iteration, median of %zu; busy: beside %zu busy loops\n", repeats,
           cores);
    printf("%-24s %-5s", "", "");
    for (size_t i = 0; i < POLICIES; i++) {
        printf(" %14s", policies[i].name);
    }
    printf(" %14s\n", "ours / best");
    for (size_t s = 0; s < SIZES; s++) {
        for (size_t load = 0; load < LOADS; load++) {
            double ns[POLICIES][MOST], best = INFINITY;
            pid_t loops[1024];
            if (load == BUSY) {
                start_loops(cores, loops);
            }
            for (size_t r = 0; r < repeats; r++) {
                for (size_t i = 0; i < POLICIES; i++) {
                    ns[i][r] = measure(s, i);
                }
            }
            if (load == BUSY) {
                stop_loops(cores, loops);
            }
            printf("%-24s %-5s", sizes[s].name, loads[load]);
            for (size_t i = 0; i < POLICIES; i++) {
                const double middle = median(repeats, ns[i]);
                best = i > 0 ? fmin(best, middle) : best;
                printf(" %14.1f", 1e-3 * middle);
            }
            printf(" %14.2f\n", median(repeats, ns[0]) / best);
            fflush(stdout);
        }
    }
    return 0;
}
