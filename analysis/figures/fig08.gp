# Figure 8: weight of the mode at a during a training with PCD at a high learning rate.
#
#     gnuplot -c fig08.gp RUNDIR [CAPTION]
#
# reads RUNDIR/trajectory.csv; writes RUNDIR/fig08.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig08.gp: expected a run directory: gnuplot -c fig08.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

DATA = RUNDIR."/trajectory.csv"
if (strlen(missing(DATA))) { exit error "fig08.gp: ".DATA." cannot be read: run the figure first" }
P_TARGET = target(RUNDIR, "p_star", 0.25)

RUNS = 0
stats DATA using (RUNS = column("run") >= RUNS ? int(column("run")) + 1 : RUNS, 0) nooutput
of_run(r, c) = int(column("run")) == r ? pick("pcd", "-", c) : NaN

step = "step"
do for [format in FORMATS] {
    eval terminal(format, 1100, 460)
    set output RUNDIR."/fig08.".format
    set tmargin 5
    set title "Figure 8. PCD at a high learning rate, ".CAPTION."\none line a run; heavy dashes: target" noenhanced
    set xlabel "iteration k"
    set ylabel "p_k = 1/(1 + e^{-z_k})"
    set yrange [-0.03:1.03]
    set key outside right top
    plot P_TARGET ls 90 notitle, \
        for [r = 0:RUNS - 1] DATA using (column(step)):(of_run(r, "p")) with lines \
            lc rgb colour(r + 1) lw (r == 0 ? 1.8 : 0.9) dt 1 + r % 5 title sprintf("run %d", r + 1)
    unset output
}
