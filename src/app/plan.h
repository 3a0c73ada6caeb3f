/* What runs would leave: cells, columns and recorded steps of a figure, from its preset alone.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JEBM_APP_PLAN_H
#define JEBM_APP_PLAN_H

#include "app/driver.h"
#include "app/options.h"

#include <stdio.h>

/* One JSON object a line for each figure, scale and fidelity that the presets offer, or for those of
 * them that the options name:
 *     program, figure, scale, fidelity   texts
 *     preset    every key with its value as text, as in manifest.json
 *     cells     a list of {method, variant}
 *     columns   numeric columns of trajectory.csv, `step` first
 *     steps     the recorded steps, ascending
 *
 * Errors   JEBM_EINVAL for a figure, scale or fidelity that is none, and from the driver's plan;
 *          JEBM_ENOMEM. */
jebm_status jebm_plan_print(FILE *out, const jebm_driver *driver, const jebm_preset_file *presets,
                            const jebm_options *options, jebm_error *err);

#endif
