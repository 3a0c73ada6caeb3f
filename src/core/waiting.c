/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/waiting.h"

#ifdef _OPENMP

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* Looks of libgomp at what it waits for: some ten microseconds, longer than it takes to wake a
 * team, shorter than anything that the scheduler does. */
#define LOOKS "2000"
/* libomp counts in whole milliseconds */
#define MILLISECONDS "0"

/* is there now a value that the user did not give? */
static bool add(const char *name, const char *value) {
    return getenv(name) == NULL && setenv(name, value, 0) == 0;
}

/* By its own path, so that ps shows its name; by the link where the path leads elsewhere by now. */
static void again(char **argv) {
    static const char link[] = "/proc/self/exe";
    char path[4096];
    const ssize_t length = readlink(link, path, sizeof path);
    if (length > 0 && (size_t)length < sizeof path) {
        path[length] = '\0';
        execv(path, argv);
    }
    execv(link, argv);
}

void jebm_waiting_limit(char **argv) {
    bool added = false;
    if (getenv("OMP_WAIT_POLICY") == NULL) {
        added |= add("GOMP_SPINCOUNT", LOOKS);
        added |= getenv("KMP_LIBRARY") == NULL && add("KMP_BLOCKTIME", MILLISECONDS);
    }
    if (added) {
        again(argv);
    }
}

#else

void jebm_waiting_limit(char **argv) {
    (void)argv;
}

#endif
