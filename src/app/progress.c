/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/progress.h"

#include "app/environment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void jebm_progress_start(jebm_progress *p, const char *figure, bool quiet, uint64_t done,
                         uint64_t total) {
    memset(p, 0, sizeof *p);
    p->figure = figure;
    p->quiet = quiet;
    p->terminal = isatty(STDERR_FILENO) != 0;
    p->done = p->first_done = done;
    p->total = total;
    p->started = p->shown = jebm_seconds();
}

static void write_duration(double seconds, char text[32]) {
    const uint64_t s = (uint64_t)(seconds + 0.5);
    if (s >= 3600) {
        snprintf(text, 32, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
    } else if (s >= 60) {
        snprintf(text, 32, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
    } else {
        snprintf(text, 32, "%" PRIu64 "s", s);
    }
}

static void show(jebm_progress *p, const jebm_progress_place *at, double now) {
    char line[256], left[32] = "?";
    const double elapsed = now - p->started;
    const double rate = elapsed > 0 ? (double)(p->done - p->first_done) / elapsed : 0;
    if (rate > 0) {
        write_duration((double)(p->total - p->done) / rate, left);
    }
    const bool plain = strcmp(at->variant, "-") == 0;
    snprintf(line, sizeof line,
             "%s %s%s%s run %" PRIu64 "/%" PRIu64 "  %" PRIu64 "/%" PRIu64 "  %.4g it/s  left %s",
             p->figure, at->method, plain ? "" : " ", plain ? "" : at->variant, at->run + 1,
             at->runs, at->step, at->iterations, rate, left);
    // the end of a longer line before it is cleared (ECMA-48 EL)
    fprintf(stderr, p->terminal ? "\r%s\033[K" : "%s\n", line);
    fflush(stderr);
    p->line_open = p->terminal;
    p->shown = now;
}

void jebm_progress_begin(jebm_progress *p, const jebm_progress_place *place) {
    if (!p->quiet) {
        show(p, place, jebm_seconds());
    }
}

void jebm_progress_step(jebm_progress *p, const jebm_progress_place *place) {
    p->done++;
    if (p->quiet) {
        return;
    }
    const double now = jebm_seconds();
    if (now - p->shown >= (p->terminal ? 0.2 : 30)) {
        show(p, place, now);
    }
}

void jebm_progress_end(jebm_progress *p, const jebm_progress_place *place) {
    if (!p->quiet) {
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
