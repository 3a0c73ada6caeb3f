/* Where presets and figure scripts lie.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_SHARE_H
#define JEBM_APP_SHARE_H

#include "core/status.h"

/* Path of a file below the share directory: $JEBM_SHARE if it is set; else the data directory
 * beside the program if the program is installed; else the source tree of the build tree that holds
 * the program. The file need not exist. *path is the caller's to free.
 *
 * Errors   JEBM_EIO if the program is in neither. */
jebm_status jebm_share_path(const char *relative, char **path, jebm_error *err);

/* printf into a new string; NULL when memory ran out. */
char *jebm_format(const char *format, ...) JEBM_PRINTF(1, 2);

#endif
