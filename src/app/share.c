/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/share.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *jebm_format(const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    char *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (text != NULL) {
        vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    va_end(args);
    return text;
}

/* The path below PREFIX/share/jebm if the program runs from PREFIX/bin and the file is there: the
 * prefix may have been moved. */
static char *installed_path(const char *relative) {
    char program[4096];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) {
        return NULL;
    }
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    const size_t bin = strlen(JEBM_BINDIR);
    if (slash == NULL || (size_t)(slash - program) < bin + 1) {
        return NULL;
    }
    *slash = '\0';
    char *prefix_end = slash - bin;
    if (strcmp(prefix_end, JEBM_BINDIR) != 0 || prefix_end[-1] != '/') {
        return NULL;
    }
    *prefix_end = '\0';
    char *path = jebm_format("%s%s/jebm/%s", program, JEBM_DATADIR, relative);
    if (path != NULL && access(path, R_OK) != 0) {
        free(path);
        path = NULL;
    }
    return path;
}

jebm_status jebm_share_path(const char *relative, char **path, jebm_error *err) {
    const char *share = getenv("JEBM_SHARE");
    if (share != NULL && *share != '\0') {
        *path = jebm_format("%s/%s", share, relative);
    } else {
        *path = installed_path(relative);
        if (*path == NULL) {
            *path = jebm_format("%s/%s", JEBM_SOURCE_DIR, relative);
        }
    }
    return *path != NULL ? JEBM_OK : jebm_fail(err, JEBM_ENOMEM, "not enough memory for a path");
}
