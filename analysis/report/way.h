/* The way from a page to a directory, as relative links need it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_WAY_H
#define JEBM_ANALYSIS_WAY_H

/* "", "../" or "../a/b/" from the directory that a page lies in to another directory, both
 * resolved. NULL where they share no directory but the root: a link would spell out the paths of
 * this machine, and break with the first move. Also NULL where one does not exist or memory ran
 * out. The caller's to free. */
char *jebm_way(const char *page, const char *directory);

#endif
