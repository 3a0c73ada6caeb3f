/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    int exit_status;
    const char *text;
} table[] = {
#define JEBM_X(code, exit_status, text) [code] = {exit_status, text},
    JEBM_STATUS_LIST(JEBM_X)
#undef JEBM_X
};

static int known(jebm_status status) {
    return (size_t)status < sizeof table / sizeof table[0];
}

const char *jebm_status_text(jebm_status status) {
    return known(status) ? table[status].text : "unknown status";
}

int jebm_status_exit(jebm_status status) {
    return known(status) ? table[status].exit_status : 1;
}

jebm_status jebm_fail(jebm_error *err, jebm_status status, const char *format, ...) {
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        err->status = status;
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}
