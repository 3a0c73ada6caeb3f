/* Programs as a user runs them: start one in a scratch directory, wait for it, look at what it
 * left. Whoever includes this defines PROGRAM (its path), PROGRAM_NAME (as it calls itself) and
 * PROGRAM_SHARE (where it finds presets and figure scripts).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TESTS_PROGRAM_H
#define JEBM_TESTS_PROGRAM_H

#include "io/csv.h"
#include "io/digest.h"

#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct outcome {
    int status; /* exit status, or 1000 + signal */
    char out[16384], err[16384];
} outcome;

/* How the next programs are started. */
static struct {
    const char *path, *share, *interval, *isa;
    rlim_t file_size;
} set = {NULL, PROGRAM_SHARE, "1000", NULL, 0};

#define MAX_WORDS 64

/* options of a run that is looked at by its files only */
#define QUIET " --no-figure --quiet "

static inline void become_program(const scratch *s, const char *line) {
    static char copy[1024];
    char *words[MAX_WORDS] = {(char *)PROGRAM_NAME};
    int n = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL && n < MAX_WORDS - 1;
         word = strtok(NULL, " ")) {
        words[n++] = word;
    }
    const int out = open(scratch_path(s, ".out"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    const int err = open(scratch_path(s, ".err"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(out, 1);
    dup2(err, 2);
    setenv("JEBM_SHARE", set.share, 1);
    setenv("JEBM_CHECKPOINT_SECONDS", set.interval, 1);
    if (set.isa != NULL) {
        setenv("JEBM_ISA", set.isa, 1);
    }
    if (set.path != NULL) {
        setenv("PATH", set.path, 1);
    }
    if (set.file_size > 0) {
        const struct rlimit limit = {set.file_size, RLIM_INFINITY};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    if (chdir(s->directory) == 0) {
        execv(PROGRAM, words);
    }
    _exit(99);
}

/* The program ends with the process that started it, which Criterion kills when a test takes too
 * long (Linux only; that process may have ended before it could be asked for). */
static inline void end_with(pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(98);
    }
}

static inline pid_t start(const scratch *s, const char *line) {
    const pid_t parent = getpid();
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        end_with(parent);
        become_program(s, line);
    }
    return child;
}

static inline outcome finish(const scratch *s, pid_t child) {
    outcome o = {0};
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    o.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    const char *const names[] = {".out", ".err"};
    char *const texts[] = {o.out, o.err};
    for (size_t i = 0; i < 2; i++) {
        char *text = scratch_get(scratch_path(s, names[i]), NULL);
        snprintf(texts[i], sizeof o.out, "%s", text != NULL ? text : "");
        free(text);
    }
    return o;
}

static inline outcome run(const scratch *s, const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return finish(s, start(s, line));
}

static inline void wait_ms(long ms) {
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static inline bool exists(const scratch *s, const char *name) {
    return access(scratch_path(s, name), F_OK) == 0;
}

/* expect one line on standard error that holds the text, and the exit status */
static inline void expect_refusal(const outcome *o, int status, const char *text) {
    cr_expect_eq(o->status, status, "status %d: %s", o->status, o->err);
    cr_expect_not_null(strstr(o->err, text), "expected '%s', found: %s", text, o->err);
    const char *newline = strchr(o->err, '\n');
    cr_expect(newline != NULL && newline[1] == '\0', "not one line: %s", o->err);
}

static inline void expect_done(const outcome *o) {
    cr_expect_eq(o->status, 0, "status %d: %s", o->status, o->err);
}

static inline void expect_same_file(const scratch *s, const char *a, const char *b) {
    char x[JEBM_DIGEST_TEXT] = "x", y[JEBM_DIGEST_TEXT] = "y";
    jebm_error err = {0};
    cr_expect_eq(jebm_digest_file(scratch_path(s, a), x, &err), JEBM_OK, "%s", err.text);
    cr_expect_eq(jebm_digest_file(scratch_path(s, b), y, &err), JEBM_OK, "%s", err.text);
    cr_expect_str_eq(x, y, "%s and %s differ", a, b);
}

/* the CSVs of two run directories */
static inline void expect_same_csvs(const scratch *s, const char *a, const char *b) {
    static const char *const names[] = {"trajectory.csv", "summary.csv"};
    for (size_t i = 0; i < 2; i++) {
        char x[128], y[128];
        snprintf(x, sizeof x, "%s/%s", a, names[i]);
        snprintf(y, sizeof y, "%s/%s", b, names[i]);
        expect_same_file(s, x, y);
    }
}

/* the same of a figure below two --out directories */
static inline void expect_same_run(const scratch *s, const char *a, const char *b,
                                   const char *figure) {
    char x[64], y[64];
    snprintf(x, sizeof x, "%s/%s", a, figure);
    snprintf(y, sizeof y, "%s/%s", b, figure);
    expect_same_csvs(s, x, y);
}

/* Each of n commands is refused with status 2 and its text, and leaves nothing. */
static inline void expect_refusals(size_t n, const char *const (*cases)[2]) {
    const scratch s = scratch_new();
    for (size_t i = 0; i < n; i++) {
        const outcome o = run(&s, "%s" QUIET, cases[i][0]);
        expect_refusal(&o, 2, cases[i][1]);
        cr_expect_eq(strncmp(o.err, PROGRAM_NAME ": ", sizeof PROGRAM_NAME + 1), 0, "%s", o.err);
        cr_expect_str_eq(o.out, "");
    }
    cr_expect(!exists(&s, "results"), "a refused command wrote something");
    scratch_free(&s);
}

static inline jebm_csv *csv_of(const scratch *s, const char *name) {
    jebm_csv *csv = NULL;
    jebm_error err = {0};
    cr_assert_eq(jebm_csv_read(scratch_path(s, name), &csv, &err), JEBM_OK, "%s", err.text);
    return csv;
}

/* A column of numbers, one a row; the caller frees it. */
static inline double *numbers(const jebm_csv *csv, const char *name) {
    size_t column = 0;
    jebm_error err = {0};
    double *values = malloc(jebm_csv_rows(csv) * sizeof *values);
    cr_assert_not_null(values);
    cr_assert_eq(jebm_csv_find(csv, name, &column, &err), JEBM_OK, "%s", err.text);
    cr_assert_eq(jebm_csv_numbers(csv, column, values, &err), JEBM_OK, "%s", err.text);
    return values;
}

#endif
