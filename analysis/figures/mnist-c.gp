# Study mnist-c: thresholds c below which ESS makes the walkers resample.
#
#     gnuplot -c mnist-c.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/mnist-c.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "mnist-c.gp: expected a run directory: gnuplot -c mnist-c.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
load HERE."images.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }
NAME = "mnist-c"
TITLE = "Algorithm 2 at several resampling thresholds c"
load HERE."study.gp"
load HERE."study-lines.gp"
