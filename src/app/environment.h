/* Where and with what a run was made, for its manifest.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_ENVIRONMENT_H
#define JEBM_APP_ENVIRONMENT_H

#include "core/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* {cpu, cores, threads, isa, compiler, kernel, libraries{}, git_revision, git_dirty}; NULL when
 * memory ran out. */
json_t *jebm_environment(void);

/* The git revision that the program was built from; false if files had changed since. */
bool jebm_revision(char text[64]);

/* Threads that parallel regions will have. */
int jebm_threads(void);

/* Physical memory and what of it is free for new use, in bytes; 0 where unknown. */
void jebm_memory(uint64_t *physical, uint64_t *available);

/* Seconds of a clock that only goes forward; UTC as 2026-01-31T12:00:00Z. */
double jebm_seconds(void);
void jebm_utc(char text[32]);

#endif
