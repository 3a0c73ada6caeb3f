# What self-fitting does, with resampling: drawn as bias.gp draws.
#
#     gnuplot -c bias-resampled.gp RUNDIR [CAPTION]
#
# reads RUNDIR/trajectory.csv and RUNDIR/summary.csv; writes RUNDIR/bias-resampled.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "bias-resampled.gp: expected a run directory: gnuplot -c bias-resampled.gp RUNDIR [CAPTION]" }
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
call HERE."bias.gp" ARG1 ARG2 "bias-resampled"
