/* The stored results below a directory, wherever in it they lie: every directory with a manifest.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_TREE_H
#define JEBM_ANALYSIS_TREE_H

#include "core/status.h"
#include "io/digest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct jebm_found {
    char path[256]; /* relative to the directory, "." for itself; normally SCALE/FIDELITY/FIGURE */
    char scale[16], fidelity[16], figure[64]; /* as the manifest says */
    char sha256[JEBM_DIGEST_TEXT]; /* of trajectory.csv as the manifest says; empty where it has
                                      none */
    bool complete; /* holds all runs */
    bool overridden; /* run with settings that are not the preset's */
    bool chosen; /* the one result of its scale, fidelity and figure by which claims are judged */
} jebm_found;

typedef struct jebm_tree {
    jebm_found *list; /* [n] by path */
    size_t n;
} jebm_tree;

/* Find the results in and below a directory; none where it does not exist. Of several of one scale,
 * fidelity and figure one is chosen: a complete one before others, one with the preset's settings
 * before others, among equal data the one at SCALE/FIDELITY/FIGURE or else the first by path.
 *
 * Errors   JEBM_EINVAL if two that could be chosen differ; JEBM_EFORMAT for a manifest that is cut
 * or not ours; JEBM_EIO, JEBM_ENOMEM. Nothing is to be freed after an error. */
jebm_status jebm_tree_walk(const char *directory, jebm_tree *tree, jebm_error *err);
void jebm_tree_free(jebm_tree *tree);

/* The chosen result, or NULL. */
const jebm_found *jebm_tree_find(const jebm_tree *tree, const char *scale, const char *fidelity,
                                 const char *figure);

/* JEBM_EINVAL, with what to do, if the tree has no result, or none at the scale (NULL: any). */
jebm_status jebm_tree_expect(const jebm_tree *tree, const char *directory, const char *scale,
                             jebm_error *err);

/* The first setting of a manifest that departs from the preset's but for the number of runs and the
 * recording; NULL if none. Borrowed. */
const char *jebm_manifest_override(const json_t *manifest);

#endif
