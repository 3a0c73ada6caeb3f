/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/figure.h"

#include "app/share.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Run gnuplot and wait; *reason is errno where it could not be started. */
static int run_gnuplot(const char *script, const char *directory, int *reason) {
    char *words[] = {"gnuplot", "-c", (char *)script, (char *)directory, NULL};
    pid_t child;
    *reason = posix_spawnp(&child, words[0], NULL, NULL, words, environ);
    if (*reason != 0) {
        return -1;
    }
    int outcome;
    while (waitpid(child, &outcome, 0) < 0) {
        if (errno != EINTR) {
            *reason = errno;
            return -1;
        }
    }
    return outcome;
}

static jebm_status check_file(const char *directory, const char *figure, const char *suffix,
                              const char *script, jebm_error *err) {
    char *path = jebm_format("%s/%s.%s", directory, figure, suffix);
    const bool there = path != NULL && access(path, R_OK) == 0;
    jebm_status status = JEBM_OK;
    if (!there) {
        status = jebm_fail(err, JEBM_EIO, "%s: gnuplot ended well but did not write %s/%s.%s",
                           script, directory, figure, suffix);
    }
    free(path);
    return status;
}

static jebm_status draw(const char *figure, const char *directory, const char *script,
                        char note[256], bool *warned, jebm_error *err) {
    if (access(script, R_OK) != 0) {
        *warned = true;
        snprintf(note, 256, "not drawn: there is no analysis/figures/%.80s.gp", figure);
        return JEBM_OK;
    }
    int reason;
    const int outcome = run_gnuplot(script, directory, &reason);
    if (reason == ENOENT) {
        *warned = true;
        snprintf(note, 256,
                 "not drawn: gnuplot is missing (Debian package gnuplot-nox: apt-get install "
                 "gnuplot-nox), then run the same command again");
        return JEBM_OK;
    }
    snprintf(note, 256, "not drawn: gnuplot failed");
    if (reason != 0) {
        return jebm_fail(err, JEBM_EIO, "gnuplot cannot be run: %s", strerror(reason));
    }
    if (outcome != 0) {
        return jebm_fail(err, JEBM_EIO, "%s: gnuplot failed (%s %d) on %s", script,
                         WIFSIGNALED(outcome) ? "signal" : "status",
                         WIFSIGNALED(outcome) ? WTERMSIG(outcome) : WEXITSTATUS(outcome),
                         directory);
    }
    JEBM_TRY(check_file(directory, figure, "png", script, err));
    JEBM_TRY(check_file(directory, figure, "svg", script, err));
    JEBM_TRY(check_file(directory, figure, "pdf", script, err));
    snprintf(note, 256, "drawn");
    return JEBM_OK;
}

jebm_status jebm_figure_draw(const char *figure, const char *directory, char note[256],
                             bool *warned, jebm_error *err) {
    *warned = false;
    char *relative = jebm_format("analysis/figures/%s.gp", figure), *script = NULL;
    jebm_status status = JEBM_ENOMEM;
    if (relative != NULL) {
        status = jebm_share_path(relative, &script, err);
    }
    if (status == JEBM_OK) {
        status = draw(figure, directory, script, note, warned, err);
    }
    free(relative);
    free(script);
    return status;
}
