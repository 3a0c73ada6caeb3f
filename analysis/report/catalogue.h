/* What a results directory holds: runs with their manifests, summaries and drawings.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_ANALYSIS_CATALOGUE_H
#define JEBM_ANALYSIS_CATALOGUE_H

#include "core/status.h"
#include "io/csv.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* An SVG of more bytes than this gives way to the PNG beside it. */
enum { JEBM_DRAWING_SVG_BYTES = 130000 };

typedef struct jebm_drawing {
    char *name; /* of the file, without its ending */
    char *file; /* relative to the results directory */
    const char *type; /* image/png or image/svg+xml */
    unsigned char *bytes;
    size_t size;
    unsigned width, height; /* pixels; 0 where the file does not say */
    bool png, svg, pdf; /* the files that there are of it */
} jebm_drawing;

/* The files of a run that a reader may want to open. */
#define JEBM_RUN_FILES \
    { "summary.csv", "trajectory.csv", "trajectory.csv.gz", "manifest.json" }
enum { JEBM_NRUN_FILES = 4 };

/* A directory with a manifest, wherever it lies; normally SCALE/FIDELITY/FIGURE. */
typedef struct jebm_stored_run {
    char *scale, *figure; /* as the manifest says */
    char *fidelity; /* the same, or where its directory lies if no claim is judged by it */
    char *directory; /* relative to the results directory */
    const char *files[JEBM_NRUN_FILES]; /* [nfiles] of JEBM_RUN_FILES, those that are there */
    size_t nfiles;
    json_t *manifest;
    bool complete; /* holds all the runs of its figure */
    const char *lack; /* what is missing where it does not */
    bool other; /* no claim is judged by it, since another result is taken (tree.h) */
    jebm_csv *summary; /* NULL where the run is not complete */
    jebm_drawing *drawings; /* [ndrawings], that named as the figure first */
    size_t ndrawings;
} jebm_stored_run;

/* A drawing that lies in SCALE/ itself. */
typedef struct jebm_loose_drawing {
    const char *scale; /* one of jebm_scales */
    jebm_drawing drawing;
} jebm_loose_drawing;

/* A figure that a run, a claim or a preset knows. */
typedef struct jebm_known_figure {
    char *name, *title; /* title NULL where nobody gives one */
    char *drawn_by; /* the figure whose runs draw it; NULL where it has runs of its own */
    char *departs; /* keys whose values are ours in fidelity paper; NULL where nobody says */
} jebm_known_figure;

typedef struct jebm_catalogue {
    jebm_stored_run *runs; /* by figure, then fidelity; the other ones last */
    size_t nruns;
    jebm_loose_drawing *loose;
    size_t nloose;
    jebm_known_figure *figures; /* in jebm_name_order() */
    size_t nfigures;
} jebm_catalogue;

/* Read a results directory at one scale, or, scale NULL, each figure and fidelity at the largest
 * with complete data. The CSVs must be those that the manifest of a complete run names.
 *
 * Errors   JEBM_EINVAL if there is no run in it, what jebm_manifest_read(),
 *          jebm_manifest_check_files() and jebm_csv_read() return, JEBM_EIO, JEBM_ENOMEM. */
jebm_status jebm_catalogue_read(const char *results, const char *scale, jebm_catalogue *catalogue,
                                jebm_error *err);
void jebm_catalogue_free(jebm_catalogue *catalogue);

/* The figure of this name, or NULL. */
const jebm_known_figure *jebm_catalogue_figure(const jebm_catalogue *catalogue, const char *name);

/* Enter a figure if it is new; a title counts where there is none yet. */
jebm_status jebm_catalogue_add_figure(jebm_catalogue *catalogue, const char *name,
                                      const char *title, jebm_error *err);

/* Enter the pictures that a figure draws, as its preset's key `draws` names them: each is a figure
 * with the title that its script begins with. */
jebm_status jebm_catalogue_add_pictures(jebm_catalogue *catalogue, const char *figure,
                                        const char *draws, jebm_error *err);

/* Enter the figures of the preset files below the share directory. What cannot be read is left out:
 * it only costs a title. */
jebm_status jebm_catalogue_add_presets(jebm_catalogue *catalogue, jebm_error *err);

#endif
