# Study mnist-ess: shares of the effective sample size that an update may cost.
#
#     gnuplot -c mnist-ess.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/mnist-ess.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "mnist-ess.gp: expected a run directory: gnuplot -c mnist-ess.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
load HERE."images.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }
NAME = "mnist-ess"
TITLE = "Steps that may cost a share of the ESS"
load HERE."study.gp"
load HERE."study-lines.gp"
