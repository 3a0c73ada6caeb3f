/* A program that limits its waiting, and tells its test what it then sees. Each image of it adds
 * its process to the file $IMAGES. Exit status: 7.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/threads.h"
#include "core/waiting.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void tell(const char *name) {
    const char *value = getenv(name);
    printf("%s=%s\n", name, value != NULL ? value : "-");
}

int main(int argc, char **argv) {
    FILE *images = fopen(getenv("IMAGES"), "a");
    if (images == NULL) {
        return 1;
    }
    fprintf(images, "%ld\n", (long)getpid());
    fclose(images);
    jebm_waiting_limit(argv);
    for (int i = 0; i < argc; i++) {
        printf("argument %s\n", argv[i]);
    }
    tell("OMP_WAIT_POLICY");
    tell("GOMP_SPINCOUNT");
    tell("KMP_BLOCKTIME");
    tell("KMP_LIBRARY");
    struct sigaction action;
    sigset_t blocked;
    sigaction(SIGUSR1, NULL, &action);
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    printf("ignored %d, blocked %d\n", action.sa_handler == SIG_IGN,
           sigismember(&blocked, SIGUSR2));
    char line[32] = "";
    if (fgets(line, sizeof line, stdin) != NULL) {
        printf("input %s", line);
    }
    size_t sum = 0;
#pragma omp parallel for reduction(+ : sum)
    for (size_t i = 0; i < 100; i++) {
        sum += i;
    }
    printf("sum %zu\n", sum);
    return 7;
}
