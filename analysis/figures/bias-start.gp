# What self-fitting does, from the usual start: drawn as bias.gp draws.
#
#     gnuplot -c bias-start.gp RUNDIR [CAPTION]
#
# reads RUNDIR/trajectory.csv and RUNDIR/summary.csv; writes RUNDIR/bias-start.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "bias-start.gp: expected a run directory: gnuplot -c bias-start.gp RUNDIR [CAPTION]" }
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
call HERE."bias.gp" ARG1 ARG2 "bias-start"
