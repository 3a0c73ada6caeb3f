/* The manifest that a program left, for tests that look into it. After program.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_TESTS_MANIFEST_H
#define JEBM_TESTS_MANIFEST_H

#include "program.h"

#include <jansson.h>

/* DIRECTORY/manifest.json of a scratch directory; the caller's to release. */
static inline json_t *manifest_of(const scratch *s, const char *directory) {
    char name[128];
    json_error_t where;
    snprintf(name, sizeof name, "%s/manifest.json", directory);
    json_t *m = json_load_file(scratch_path(s, name), 0, &where);
    cr_assert_not_null(m, "%s: %s", name, where.text);
    return m;
}

#endif
