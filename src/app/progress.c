/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/progress.h"

#include "app/environment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void jebm_progress_start(jebm_progress *p, const jebm_progress_task *task) {
    memset(p, 0, sizeof *p);
    p->task = *task;
    p->terminal = isatty(STDERR_FILENO) != 0;
    p->done = task->done;
    p->total = task->total;
    p->started = p->shown = jebm_seconds();
    if (task->heading != NULL && !task->quiet && !p->terminal) {
        printf("%s: %s\n", task->heading, task->what);
        fflush(stdout);
    }
}

void jebm_duration(double seconds, char text[32]) {
    const uint64_t s = (uint64_t)(seconds + 0.5);
    if (s >= 86400) {
        snprintf(text, 32, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
    } else if (s >= 3600) {
        snprintf(text, 32, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
    } else if (s >= 60) {
        snprintf(text, 32, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
    } else {
        snprintf(text, 32, "%" PRIu64 "s", s);
    }
}

/* Steps a second of this process, 0 before it is known. */
static double rate_of(const jebm_progress *p, double now) {
    const double elapsed = now - p->started;
    return elapsed > 0 ? (double)(p->done - p->task.done) / elapsed : 0;
}

/* `34 %, left 12s, in all 4m10s` */
static void write_share(const jebm_progress *p, double now, char text[96]) {
    const double rate = rate_of(p, now);
    char left[32] = "?", all[32];
    if (rate > 0) {
        jebm_duration((double)(p->total - p->done) / rate, left);
    }
    const int n = snprintf(text, 96, "%.0f %%, left %s",
                           p->total > 0 ? 100.0 * (double)p->done / (double)p->total : 100.0, left);
    if (rate > 0 && p->task.afterwards > 0) {
        jebm_duration((double)(p->total - p->done) / rate + p->task.afterwards, all);
        snprintf(text + n, 96 - (size_t)n, ", in all %s", all);
    }
}

/* A line that is rewritten must not be broken by the terminal's edge. */
static size_t terminal_columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79;
}

static void show_share(jebm_progress *p, double now) {
    char line[JEBM_PROGRESS_TEXT + 128], share[96];
    write_share(p, now, share);
    const size_t columns = terminal_columns(), ending = strlen(share) + 2;
    // what is cut is the middle: the share and the time are what one looks for
    const size_t room = columns > ending ? columns - ending : 0;
    const int n = snprintf(line, sizeof line, "%s: %s", p->task.heading, p->task.what);
    const size_t length = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    fprintf(stderr, "\r%.*s: %s\033[K", (int)(length < room ? length : room), line, share);
}

static void show_step(jebm_progress *p, const jebm_progress_place *at, double now) {
    char line[256], left[32] = "?";
    const double rate = rate_of(p, now);
    if (rate > 0) {
        jebm_duration((double)(p->total - p->done) / rate, left);
    }
    const bool plain = strcmp(at->variant, "-") == 0;
    snprintf(line, sizeof line,
             "%s %s%s%s run %" PRIu64 "/%" PRIu64 "  %" PRIu64 "/%" PRIu64 "  %.4g it/s  left %s",
             p->task.figure, at->method, plain ? "" : " ", plain ? "" : at->variant, at->run + 1,
             at->runs, at->step, at->iterations, rate, left);
    // the end of a longer line before it is cleared (ECMA-48 EL)
    fprintf(stderr, p->terminal ? "\r%s\033[K" : "%s\n", line);
}

static void show(jebm_progress *p, const jebm_progress_place *at, double now) {
    if (p->task.heading == NULL) {
        show_step(p, at, now);
    } else {
        show_share(p, now);
    }
    fflush(stderr);
    p->line_open = p->terminal;
    p->shown = now;
}

/* Of a log with a heading: the one line between the first and the last. */
static void say_half(jebm_progress *p, double now) {
    enum { LONG = 120 /* seconds: half of a shorter campaign needs no line */ };
    char share[96];
    if (!p->half_said && 2 * p->done >= p->total && now - p->started >= LONG) {
        write_share(p, now, share);
        printf("  %s\n", share);
        fflush(stdout);
        p->half_said = true;
    }
}

/* Are lines written at the ends of runs? */
static bool tells_runs(const jebm_progress *p) {
    return !p->task.quiet && (p->terminal || p->task.heading == NULL);
}

void jebm_progress_begin(jebm_progress *p, const jebm_progress_place *place) {
    if (tells_runs(p)) {
        show(p, place, jebm_seconds());
    }
}

void jebm_progress_step(jebm_progress *p, const jebm_progress_place *place) {
    p->done++;
    if (p->task.quiet) {
        return;
    }
    const double now = jebm_seconds();
    if (!tells_runs(p)) {
        say_half(p, now);
    } else if (now - p->shown >= (p->terminal ? 0.2 : 30)) {
        show(p, place, now);
    }
}

void jebm_progress_end(jebm_progress *p, const jebm_progress_place *place) {
    if (tells_runs(p)) {
        show(p, place, jebm_seconds());
    }
}

void jebm_progress_clear(jebm_progress *p) {
    if (p->line_open) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        p->line_open = false;
    }
}
