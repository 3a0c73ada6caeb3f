# Figure 4: cross-entropy by the weights, and effective sample size, during the training.
#
#     gnuplot -c fig04.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv and RUNDIR/trajectory.csv; writes RUNDIR/fig04.png and RUNDIR/fig04.svg.
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
do for [format in "png svg"] {
    eval terminal(format, 1200, 480)
    set output RUNDIR."/fig04.".format
    set multiplot layout 1, 2 margins 0.075, 0.97, 0.12, 0.79 spacing 0.09, 0.13 \
        title "Figure 4. ".CAPTION."\nAlgorithm 2; left: mean over the runs, band: smallest to " \
        ."largest run; right: a line a run" font ",12" noenhanced

    set title "cross-entropy by the weights"
    set ylabel "nats"
    set key inside top right
    plot $CELL using ($1 / UNIT):3:4 with filledcurves fc rgb colour(1) notitle, \
        $CELL using ($1 / UNIT):2 with lines lc rgb colour(1) lw 1.8 title "of the training images", \
        $CELL using ($1 / UNIT):5 with lines lc rgb colour(6) lw 1.6 dt (6, 4) title "of test images", \
        $CELL using ($1 / UNIT):(EVALUATED ? $6 : NaN) with lines lc rgb colour(3) lw 1.6 dt (1, 3) \
            title EVALUATED ? "by an evaluation population" : "", \
        $CELL using ($1 / UNIT):(ANNEALED ? $7 : NaN) with points lc rgb colour(7) pt 9 ps 1.4 \
            title ANNEALED ? "by annealing, from noise" : "", \
        $CELL using ($1 / UNIT):(ANNEALED ? $8 : NaN) with points lc rgb colour(7) pt 11 ps 1.4 \
            title ANNEALED ? "by annealing, from the walkers" : ""

    set title "effective sample size"
    set ylabel "ESS_k / N"
    set yrange [0:1.05]
    set key inside bottom left
    plot 1.0 / (1 + C) ls 91 title RESAMPLES ? sprintf("resampling below 1/(1 + c), c = %g", C) : "", \
        for [r = 0:RUNS - 1] $RUN index sprintf("jarzynski %d;", r) using ($1 / UNIT):3 \
            with lines lc rgb colour(r + 1) lw 1.4 title r == 0 ? "smallest since the row before" : ""
    set yrange [*:*]
    unset multiplot
    unset output
}
