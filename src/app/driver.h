/* What a replication driver gives to the shared application: its preset keys, its CSV columns and
 * how to start, advance and observe one run. Everything else (command line, presets, run directory,
 * checkpoints, progress, CSV, manifest, figures, exit statuses) is the application's.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_DRIVER_H
#define JEBM_APP_DRIVER_H

#include "app/preset.h"
#include "core/status.h"

#include <jansson.h>
#include <stdint.h>

/* A cell is one setting that is repeated over runs: a method and a variant of it ("c=0.1", or "-"
 * where a method has one variant only). index is the driver's own, for open(). */
typedef struct jebm_cell {
    char method[32];
    char variant[32];
    size_t index;
} jebm_cell;

#define JEBM_MAX_CELLS 64
#define JEBM_MAX_STATE 64

typedef struct jebm_driver {
    const char *program; /* "jebm-gmm" */
    const char *purpose; /* one line for --help */
    const char *presets; /* path of the preset file below the share directory */

    /* keys that a preset of this driver may have, beyond those of the application (app/preset.h) */
    const jebm_key *keys;
    size_t nkeys;

    /* numeric columns of trajectory.csv that follow method,variant,run,step */
    const char *const *columns;
    size_t ncolumns;

    /* Check what no single key can show (batch <= walkers, ...) and list the cells. */
    jebm_status (*plan)(const jebm_preset *preset, jebm_cell cells[JEBM_MAX_CELLS], size_t *ncells,
                        jebm_error *err);

    /* Optional (NULL): find and read what all runs share, once, after plan. What decides numbers
     * goes into `inputs` as text under flat keys (digests of data, a back end chosen): it enters
     * manifest.json and the fingerprint, so that other inputs cannot go on with a run. What is only
     * worth knowing goes into an object "notes" of texts there, which does not.
     *   data       what --data says, or NULL
     *   directory  where files may be kept that several figures of the driver share */
    jebm_status (*inputs)(const jebm_preset *preset, const char *data, const char *directory,
                          json_t *inputs, jebm_error *err);

    /* Bytes that one run will hold, so that the application can refuse what cannot fit; *key is the
     * key whose value to lower then. */
    uint64_t (*memory)(const jebm_preset *preset, const char **key);

    /* Start run (0-based) of a cell at step 0. *state is owned by the caller, who closes it. */
    jebm_status (*open)(const jebm_preset *preset, const jebm_cell *cell, size_t run, void **state,
                        jebm_error *err);
    /* Advance by one iteration. JEBM_EDIVERGE ends the run. */
    jebm_status (*step)(void *state, jebm_error *err);
    /* Values of the ncolumns columns at the present step; NAN where one does not apply. */
    jebm_status (*record)(void *state, double *row, jebm_error *err);
    /* Name every array that decides the rest of the run; the application saves or overwrites them
     * and, after overwriting, calls restored() once. */
    size_t (*arrays)(void *state, jebm_array arrays[JEBM_MAX_STATE]);
    jebm_status (*restored)(void *state, jebm_error *err);
    /* Optional (NULL): write what a complete run leaves besides its rows: files in
     * DIRECTORY/images/ and DIRECTORY/models/, which are there, and DIRECTORY/samples-*.csv, with
     * names that no other run uses for other bytes: NAME-RUN or NAME-RUN-KIND before the ending, or
     * a name without a run for what all runs share. May be called again for the same run and then
     * writes the same. */
    jebm_status (*artefacts)(void *state, const char *directory, const jebm_cell *cell, size_t run,
                             jebm_error *err);
    void (*close)(void *state);
} jebm_driver;

/* Run a driver's command line; returns the exit status of the process. */
int jebm_app_main(const jebm_driver *driver, int argc, char **argv);

#endif
