/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/share.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 4096

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

/* Where this program is, cut after the directory that holds it; false if that cannot be known. */
static bool program_directory(char path[PATH_SIZE]) {
    const ssize_t length = readlink("/proc/self/exe", path, PATH_SIZE - 1);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    return true;
}

/* PREFIX/share/jebm if the program runs from PREFIX/bin, a prefix that may have been moved. */
static char *installed_share(const char *directory) {
    const size_t length = strlen(directory), bin = strlen(JEBM_BINDIR);
    if (length <= bin || directory[length - bin - 1] != '/' ||
        strcmp(directory + length - bin, JEBM_BINDIR) != 0) {
        return NULL;
    }
    return jebm_format("%.*s%s/jebm", (int)(length - bin), directory, JEBM_DATADIR);
}

/* The source tree that the file jebm-source-tree names, a few directories above the program. */
static char *source_tree(char directory[PATH_SIZE]) {
    enum { ABOVE = 4 };
    for (size_t i = 0; i < ABOVE && directory[0] != '\0'; i++) {
        char line[PATH_SIZE];
        char *path = jebm_format("%s/jebm-source-tree", directory);
        FILE *stream = path != NULL ? fopen(path, "r") : NULL;
        free(path);
        if (stream != NULL) {
            const bool read = fgets(line, sizeof line, stream) != NULL;
            fclose(stream);
            return read ? jebm_format("%s", line) : NULL;
        }
        char *slash = strrchr(directory, '/');
        *(slash != NULL ? slash : directory) = '\0';
    }
    return NULL;
}

static bool holds(const char *share, const char *relative) {
    char *path = share != NULL ? jebm_format("%s/%s", share, relative) : NULL;
    const bool there = path != NULL && access(path, R_OK) == 0;
    free(path);
    return there;
}

/* The caller's to free; NULL if there is none. */
static char *find_share(const char *relative) {
    char directory[PATH_SIZE];
    const char *given = getenv("JEBM_SHARE");
    if (given != NULL && *given != '\0') {
        return jebm_format("%s", given);
    }
    if (!program_directory(directory)) {
        return NULL;
    }
    char *installed = installed_share(directory);
    if (holds(installed, relative)) {
        return installed;
    }
    char *source = source_tree(directory);
    if (source != NULL) {
        free(installed);
        return source;
    }
    return installed;
}

jebm_status jebm_share_path(const char *relative, char **path, jebm_error *err) {
    char *share = find_share(relative);
    *path = share != NULL ? jebm_format("%s/%s", share, relative) : NULL;
    free(share);
    return *path != NULL ? JEBM_OK
                         : jebm_fail(err, JEBM_EIO,
                                     "%s: cannot be looked for, since this program is neither "
                                     "installed nor in its build tree; set JEBM_SHARE to the "
                                     "directory that holds it (PREFIX/share/jebm, or a checkout)",
                                     relative);
}
