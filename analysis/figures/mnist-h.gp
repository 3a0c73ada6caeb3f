# Study mnist-h: time steps, while the energy is still smooth.
#
#     gnuplot -c mnist-h.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/mnist-h.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "mnist-h.gp: expected a run directory: gnuplot -c mnist-h.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
load HERE."images.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }
NAME = "mnist-h"
TITLE = "Time steps h"
QUANTITIES = "cross_entropy log_z_se resamplings step_scale"
LABELS = "'cross-entropy by the weights (nats)' 'standard error of log Z by the genealogy (1: one ancestor is left)' " \
    ."'resamplings so far' 'factor on the steps of theta'"
load HERE."study.gp"
load HERE."study-lines.gp"
