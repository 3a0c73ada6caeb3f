/* Artefacts: what a run leaves besides its rows. In the directory of a campaign these are the files
 * of images/ and models/ and those called samples-*.csv; a driver's hook writes them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_ARTEFACTS_H
#define JEBM_APP_ARTEFACTS_H

#include "core/status.h"

#include <jansson.h>
#include <stdbool.h>

/* Is it the name of one, relative to the directory? */
bool jebm_is_artefact(const char *name);

/* The run that it is of, by its name NAME-RUN.ENDING or NAME-RUN-KIND.ENDING, KIND without digits;
 * 0 where it names none. */
unsigned long jebm_artefact_run(const char *name);

/* Was it taken away, as one may do with those of models/ and with those of other runs than the
 * first? They are large and hold no result: the directory is whole without them. False of any other
 * name. */
bool jebm_artefact_left_out(const char *directory, const char *name);

/* Names of all that are there, sorted; *names is the caller's to release. */
jebm_status jebm_artefacts_list(const char *directory, json_t **names, jebm_error *err);

/* Make the places for them, and remove those where nothing came. */
jebm_status jebm_artefacts_prepare(const char *directory, jebm_error *err);
void jebm_artefacts_tidy(const char *directory);

/* Copy one from another directory, whole or not at all. */
jebm_status jebm_artefacts_copy(const char *from, const char *directory, const char *name,
                                jebm_error *err);

/* Remove all of them, and what a killed writer left of one. */
void jebm_artefacts_clear(const char *directory);

#endif
