/* manifest.json: what a run was made from, with, where and when; the numbers are in the CSVs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_MANIFEST_H
#define JEBM_APP_MANIFEST_H

#include "app/campaign.h"

/* The manifest of a campaign as it stands; with the digests of its files if it is complete. */
jebm_status jebm_manifest_make(const jebm_campaign *campaign, bool complete, json_t **manifest,
                               jebm_error *err);
jebm_status jebm_manifest_write(const char *directory, const json_t *manifest, jebm_error *err);

/* Errors   JEBM_EFORMAT if it is no manifest that this version can read. */
jebm_status jebm_manifest_read(const char *directory, json_t **manifest, jebm_error *err);

/* Is it a manifest of the same settings? If not, difference says what the first difference is. */
bool jebm_manifest_matches(const json_t *manifest, const jebm_campaign *campaign, char *difference,
                           size_t size);

/* Are the files those that the manifest lists? */
jebm_status jebm_manifest_check_files(const char *directory, const json_t *manifest,
                                      jebm_error *err);

/* {key: text} of all keys of a preset; NULL when memory ran out. */
json_t *jebm_manifest_preset(const jebm_preset *preset);

#endif
