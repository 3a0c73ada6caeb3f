/* The compact form of a run's directory, in which results can be kept and sent: trajectory.csv
 * compressed, without what follows from it (summary.csv, the SVG and PDF of a picture that is there
 * as PNG) and with the artefacts of the first run only. The manifest stays as it is, and what is
 * read is checked against it as ever.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_PACKED_H
#define JEBM_APP_PACKED_H

#include "core/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Is the directory in this form? */
bool jebm_packed(const char *directory);

/* The bytes of summary.csv made from the trajectory, a 0 byte after them; the caller frees them.
 *
 * Errors   JEBM_EFORMAT if they are not those that the manifest was written for; what
 *          jebm_table_read() returns. */
jebm_status jebm_packed_summary(const char *directory, const json_t *manifest, char **text,
                                size_t *size, jebm_error *err);

/* Does the figure draw another's runs, so that its files are links? */
bool jebm_packed_is_linked(const json_t *manifest);

/* Bring a complete run into this form, and back, but for the artefacts that were left out and the
 * pictures. The files must be those that the manifest names, else nothing is changed. Where they
 * are links, what they lead to must have been brought there before.
 *
 * Errors   what jebm_manifest_check_files(), jebm_packed_summary() and jebm_content_pack() return.
 */
jebm_status jebm_packed_make(const char *directory, const json_t *manifest, jebm_error *err);
jebm_status jebm_packed_undo(const char *directory, const json_t *manifest, jebm_error *err);

#endif
