# Figure 4: cross-entropy by the weights, and effective sample size, during the training.
#
#     gnuplot -c fig04.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv and RUNDIR/trajectory.csv; writes RUNDIR/fig04.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig04.gp: expected a run directory: gnuplot -c fig04.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
load HERE."images.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

SUMMARY = RUNDIR."/summary.csv"
TRAJECTORY = RUNDIR."/trajectory.csv"
do for [f in SUMMARY." ".TRAJECTORY] {
    if (strlen(missing(f))) { exit error "fig04.gp: ".f." cannot be read: run the figure first" }
}
VARIANT = word(variants(SUMMARY, "jarzynski"), 1)
if (!strlen(VARIANT)) { exit error "fig04.gp: ".SUMMARY." has no rows of method jarzynski" }
LAST = 0
stats SUMMARY using (LAST = column("step") > LAST ? column("step") : LAST, 0) nooutput
UNIT = unit(LAST)
EVALUATED = has_values(SUMMARY, "jarzynski", "cross_entropy_evaluation_mean")
ANNEALED = has_values(SUMMARY, "jarzynski", "cross_entropy_forward_mean")
RUNS = int(field(RUNDIR, "runs"))
C = real(field(RUNDIR, "c"))
RESAMPLES = field(RUNDIR, "trigger") eq "ess" || field(RUNDIR, "trigger") eq "cv"

set print $CELL
print block(SUMMARY, "jarzynski", "variant", VARIANT, "step cross_entropy_mean cross_entropy_min " \
    ."cross_entropy_max cross_entropy_test_mean cross_entropy_evaluation_mean " \
    ."cross_entropy_forward_mean cross_entropy_reverse_mean")
unset print
set print $RUN
do for [r = 0:RUNS - 1] {
    print block(TRAJECTORY, "jarzynski", "run", sprintf("%d", r), "step ess ess_min")
}
unset print
eval BLOCKS

set xlabel iterations(LAST) offset 0, 0.4
do for [format in FORMATS] {
    eval terminal(format, 1500, 480)
    set output RUNDIR."/fig04.".format
    set multiplot layout 1, 2 margins 0.055, 0.795, 0.12, 0.79 spacing 0.235, 0.13 \
        title "Figure 4. ".ALGORITHM_2.", ".CAPTION."\nleft: mean over the runs, band: smallest to " \
        ."largest run; right: a line a run" font ",12" noenhanced

    set title "cross-entropy by the weights"
    set ylabel "nats"
    eval legend_beside(0.345)
    plot $CELL using ($1 / UNIT):3:4 with filledcurves fc rgb colour(1) notitle, \
        $CELL using ($1 / UNIT):2 with lines lc rgb colour(1) lw 1.8 title "of the training images", \
        $CELL using ($1 / UNIT):5 with lines lc rgb colour(6) lw 1.6 dt (6, 4) title "of test images", \
        for [i = 1:(EVALUATED ? 1 : 0)] $CELL using ($1 / UNIT):6 with lines lc rgb colour(3) lw 1.6 \
            dt (1, 3) title "by an evaluation population", \
        for [i = 1:(ANNEALED ? 1 : 0)] $CELL using ($1 / UNIT):7 with points lc rgb colour(7) pt 9 ps 1.4 \
            title "by annealing, from noise", \
        for [i = 1:(ANNEALED ? 1 : 0)] $CELL using ($1 / UNIT):8 with points lc rgb colour(7) pt 11 ps 1.4 \
            title "by annealing, from the walkers"

    set title "effective sample size, the smallest since the row before"
    set ylabel "ESS_k / N"
    set yrange [0:1.05]
    eval legend_beside(0.805)
    plot for [i = 1:(RESAMPLES ? 1 : 0)] 1.0 / (1 + C) ls 91 \
            title sprintf("resampling below 1/(1 + c), c = %g", C), \
        for [r = 0:RUNS - 1] $RUN index sprintf("jarzynski %d;", r) using ($1 / UNIT):3 \
            with lines lc rgb colour(r + 1) lw 1.4 dt r + 1 title sprintf("run %d", r + 1)
    set yrange [*:*]
    unset multiplot
    unset output
}
