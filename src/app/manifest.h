/* manifest.json: what a run was made from, with, where and when; the numbers are in the CSVs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_MANIFEST_H
#define JEBM_APP_MANIFEST_H

#include "app/campaign.h"

/* The manifest of a campaign as it stands; with the digests of its files if all its runs are done.
 */
jebm_status jebm_manifest_make(const jebm_campaign *campaign, bool done, json_t **manifest,
                               jebm_error *err);
jebm_status jebm_manifest_write(const char *directory, const json_t *manifest, jebm_error *err);

/* Errors   JEBM_EFORMAT if it is no manifest that this version can read. */
jebm_status jebm_manifest_read(const char *directory, json_t **manifest, jebm_error *err);

/* The first of the things that decide numbers which a manifest and a campaign do not share. */
typedef struct jebm_difference {
    char key[64], there[88], here[88];
} jebm_difference;

/* Is it a manifest of the same program, version, figure, scale, fidelity, seed and settings?
 * _matches asks for the same runs of it, too. difference is set where not. */
bool jebm_manifest_same_settings(const json_t *manifest, const jebm_campaign *campaign,
                                 jebm_difference *difference);
bool jebm_manifest_matches(const json_t *manifest, const jebm_campaign *campaign,
                           jebm_difference *difference);

/* The runs [first, end) that the directory is for; false if the manifest names none. */
bool jebm_manifest_range(const json_t *manifest, size_t *first, size_t *end);
/* Has the directory all that it is for? A part has its own "complete": the one on top is about the
 * whole figure, so that nobody takes a part for it. */
bool jebm_manifest_complete(const json_t *manifest);

/* Are the files those that the manifest lists, packed (app/packed.h) or not? What
 * jebm_artefact_left_out() names may be missing. */
jebm_status jebm_manifest_check_files(const char *directory, const json_t *manifest,
                                      jebm_error *err);

/* {key: text} of all keys of a preset; NULL when memory ran out. */
json_t *jebm_manifest_preset(const jebm_preset *preset);

/* "shows": "machinery" where the scale is too small to answer anything, else "results";
 * "answered_by": then the next larger scale that answers, "" if there is none. */
void jebm_manifest_set_shows(json_t *manifest, const jebm_preset *preset);

#endif
