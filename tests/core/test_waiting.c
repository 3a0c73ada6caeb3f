/* A program that limits its waiting is executed once more, and is the same process with the same
 * arguments, signals and input; what the user said of waiting stays.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "scratch.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const variables[] = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME",
                                        "KMP_LIBRARY"};

typedef struct outcome {
    pid_t pid;
    int status; /* as wait() has it */
    char out[4096], err[16384], images[256];
} outcome;

static void read_text(const char *path, char *text, size_t size) {
    FILE *stream = fopen(path, "r");
    text[0] = '\0';
    if (stream != NULL) {
        text[fread(text, 1, size - 1, stream)] = '\0';
        fclose(stream);
    }
}

/* run the program with this variable (NULL for none) in an environment that else says nothing of
 * waiting */
static outcome run(const char *name, const char *value) {
    const scratch s = scratch_new();
    outcome o = {0};
    char path[3][512];
    snprintf(path[0], 512, "%s", scratch_path(&s, "out"));
    snprintf(path[1], 512, "%s", scratch_path(&s, "err"));
    snprintf(path[2], 512, "%s", scratch_path(&s, "images"));
    o.pid = fork();
    if (o.pid == 0) {
        for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
            unsetenv(variables[i]);
        }
        setenv("IMAGES", path[2], 1);
        setenv("OMP_DISPLAY_ENV", "verbose", 1);
        setenv("OMP_NUM_THREADS", "2", 1);
        if (name != NULL) {
            setenv(name, value, 1);
        }
        int ends[2];
        sigset_t blocked;
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGUSR2);
        sigprocmask(SIG_SETMASK, &blocked, NULL);
        signal(SIGUSR1, SIG_IGN);
        if (pipe(ends) != 0 || write(ends[1], "a line\n", 7) != 7 || dup2(ends[0], 0) != 0 ||
            freopen(path[0], "w", stdout) == NULL || freopen(path[1], "w", stderr) == NULL) {
            _exit(126);
        }
        close(ends[1]);
        execl(WAITING_PROGRAM, "its name", "two words", "", "--last", (char *)NULL);
        _exit(127);
    }
    cr_assert_eq(waitpid(o.pid, &o.status, 0), o.pid);
    read_text(path[0], o.out, sizeof o.out);
    read_text(path[1], o.err, sizeof o.err);
    read_text(path[2], o.images, sizeof o.images);
    scratch_free(&s);
    return o;
}

static bool says(const outcome *o, const char *what) {
    return strstr(o->out, what) != NULL;
}

/* the images of the program, all in the process that was started */
static int images(const outcome *o) {
    char mine[32];
    int count = 0;
    snprintf(mine, sizeof mine, "%ld\n", (long)o->pid);
    for (const char *c = o->images; *c != '\0'; c += strlen(mine), count++) {
        cr_assert(strncmp(c, mine, strlen(mine)) == 0, "process %s, found %s", mine, c);
    }
    return count;
}

static void expect_unharmed(const outcome *o) {
    cr_expect(WIFEXITED(o->status) && WEXITSTATUS(o->status) == 7, "status %d, %s", o->status,
              o->err);
    cr_expect(says(o, "argument its name\nargument two words\nargument \nargument --last\nOMP_"),
              "%s", o->out);
    cr_expect(says(o, "ignored 1, blocked 1\ninput a line\nsum 4950\n"), "%s", o->out);
}

Test(waiting, is_limited_in_a_second_image_that_is_the_same_process, .timeout = 60) {
    const outcome o = run(NULL, NULL);
    expect_unharmed(&o);
#ifdef _OPENMP
    cr_expect_eq(images(&o), 2, "found %s", o.images);
    cr_expect(says(&o, "OMP_WAIT_POLICY=-\nGOMP_SPINCOUNT=2000\nKMP_BLOCKTIME=0\nKMP_LIBRARY=-\n"),
              "%s", o.out);
    /* each image says at its start what OpenMP took: the last word is the second one's */
    const char *gomp = strstr(o.err, "GOMP_SPINCOUNT = '2000'");
    const char *kmp = strstr(o.err, "KMP_BLOCKTIME='0'");
    cr_expect(gomp != NULL || kmp != NULL, "%s", o.err);
#else
    cr_expect_eq(images(&o), 1);
#endif
}

Test(waiting, as_the_user_has_it_stays, .timeout = 60) {
    static const char *const settings[][3] = {
        {"OMP_WAIT_POLICY", "active",
         "OMP_WAIT_POLICY=active\nGOMP_SPINCOUNT=-\nKMP_BLOCKTIME=-\nKMP_LIBRARY=-\n"},
        {"OMP_WAIT_POLICY", "passive",
         "OMP_WAIT_POLICY=passive\nGOMP_SPINCOUNT=-\nKMP_BLOCKTIME=-\nKMP_LIBRARY=-\n"},
#ifdef _OPENMP
        {"GOMP_SPINCOUNT", "17",
         "OMP_WAIT_POLICY=-\nGOMP_SPINCOUNT=17\nKMP_BLOCKTIME=0\nKMP_LIBRARY=-\n"},
        {"KMP_BLOCKTIME", "3",
         "OMP_WAIT_POLICY=-\nGOMP_SPINCOUNT=2000\nKMP_BLOCKTIME=3\nKMP_LIBRARY=-\n"},
        {"KMP_LIBRARY", "turnaround",
         "OMP_WAIT_POLICY=-\nGOMP_SPINCOUNT=2000\nKMP_BLOCKTIME=-\nKMP_LIBRARY=turnaround\n"},
#endif
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const outcome o = run(settings[i][0], settings[i][1]);
        expect_unharmed(&o);
        cr_expect(says(&o, settings[i][2]), "%s: found %s", settings[i][0], o.out);
        /* a program whose user decided everything is not executed again */
        cr_expect_eq(images(&o), i < 2 ? 1 : 2, "%s", settings[i][0]);
    }
}

#ifndef __SANITIZE_ADDRESS__ /* which refuses whatever is loaded before it */
/* LD_PRELOAD is of the environment, hence of both images */
Test(waiting, leaves_a_preloaded_library_where_it_is, .timeout = 60) {
    const outcome o = run("LD_PRELOAD", "libm.so.6");
    expect_unharmed(&o);
#ifdef _OPENMP
    cr_expect_eq(images(&o), 2);
#endif
}
#endif
