/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/environment.h"

#include "core/isa.h"
#include "nn/gemm.h"
#include "revision.h"

#include <gsl/gsl_version.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#ifdef _OPENMP
#include <omp.h>
#endif

int jebm_threads(void) {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

/* The value of the first line "NAME ... : VALUE" of a file of /proc, or "". */
static void read_proc(const char *path, const char *name, char *value, size_t size) {
    value[0] = '\0';
    FILE *stream = fopen(path, "r");
    char line[512];
    while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, name, strlen(name)) == 0 && colon != NULL) {
            colon += 1 + strspn(colon + 1, " \t");
            snprintf(value, size, "%.*s", (int)strcspn(colon, "\n"), colon);
            break;
        }
    }
    if (stream != NULL) {
        fclose(stream);
    }
}

void jebm_memory(uint64_t *physical, uint64_t *available) {
    char text[64];
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    *physical = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    read_proc("/proc/meminfo", "MemAvailable", text, sizeof text);
    *available = strtoull(text, NULL, 10) * 1024;
}

double jebm_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void jebm_utc(char text[32]) {
    const time_t now = time(NULL);
    struct tm parts;
    if (gmtime_r(&now, &parts) == NULL || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        snprintf(text, 32, "unknown");
    }
}

static json_t *libraries(void) {
    unsigned major = 0, minor = 0, release = 0;
    char hdf5[48];
    H5get_libversion(&major, &minor, &release);
    snprintf(hdf5, sizeof hdf5, "%u.%u.%u", major, minor, release);
    json_t *list = json_pack("{s:s, s:s, s:s}", "gsl", gsl_version, "hdf5", hdf5, "jansson",
                             jansson_version_str());
    const jebm_gemm_backend products[] = {JEBM_GEMM_OPENBLAS, JEBM_GEMM_ONEDNN};
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) {
        char version[160];
        if (jebm_gemm_version(products[i], version)) {
            json_object_set_new(list, jebm_gemm_name(products[i]), json_string(version));
        }
    }
    return list;
}

bool jebm_revision(char text[64]) {
    // git marks a tree with uncommitted changes by a plus after the revision
    snprintf(text, 64, "%s", JEBM_REVISION);
    char *plus = strchr(text, '+');
    if (plus != NULL) {
        *plus = '\0';
    }
    return plus == NULL;
}

json_t *jebm_environment(void) {
    char cpu[256], kernel[256] = "unknown", revision[64];
    read_proc("/proc/cpuinfo", "model name", cpu, sizeof cpu);
    struct utsname u;
    if (uname(&u) == 0) {
        snprintf(kernel, sizeof kernel, "%.60s %.60s %.60s", u.sysname, u.release, u.machine);
    }
    const int dirty = !jebm_revision(revision);
    return json_pack("{s:s, s:I, s:i, s:s, s:s, s:s, s:o, s:s, s:b}", "cpu",
                     cpu[0] != '\0' ? cpu : "unknown", "cores",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "threads", jebm_threads(), "isa",
                     jebm_isa_name(), "compiler", JEBM_COMPILER, "kernel", kernel, "libraries",
                     libraries(), "git_revision", revision, "git_dirty", dirty);
}
