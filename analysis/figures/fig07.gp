# Figure 7: effective sample size during the training, one panel a threshold.
#
#     gnuplot -c fig07.gp RUNDIR [CAPTION]
#
# reads RUNDIR/trajectory.csv; writes RUNDIR/fig07.png and RUNDIR/fig07.svg.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig07.gp: expected a run directory: gnuplot -c fig07.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

DATA = RUNDIR."/trajectory.csv"
SUMMARY = RUNDIR."/summary.csv"
do for [file in "trajectory.csv summary.csv"] {
    if (strlen(missing(RUNDIR."/".file))) {
        exit error "fig07.gp: ".RUNDIR."/".file." cannot be read: run the figure first"
    }
}

VARIANTS = ""
stats SUMMARY using (stringcolumn("method") eq "jarzynski" \
    ? (VARIANTS = with_item(VARIANTS, stringcolumn("variant")), 0) : 0) nooutput
N = words(VARIANTS)
if (N == 0) { exit error "fig07.gp: ".SUMMARY." has no rows of method jarzynski" }
threshold(v) = 1.0 / (1.0 + real(v[strstrt(v, "=") + 1:]))
first_run(v, c) = int(column("run")) == 0 ? pick("jarzynski", v, c) : NaN

step = "step"
do for [format in "png svg"] {
    eval terminal(format, 1000, 120 + 190 * N)
    set output RUNDIR."/fig07.".format
    set multiplot layout N, 1 margins 0.075, 0.97, 60.0 / (120 + 190 * N), 1 - 90.0 / (120 + 190 * N) \
        spacing 0, 34.0 / (120 + 190 * N) title "Figure 7. ".CAPTION."\n" \
        ."line: the first run; band: smallest to largest run; dots: threshold 1/(1 + c)" \
        font ",12" noenhanced
    set ylabel "ESS_k"
    set yrange [0:1.05]
    set ytics 0, 0.25
    set key inside bottom right horizontal
    do for [i = 1:N] {
        v = word(VARIANTS, i)
        set label 1 sprintf("%s: threshold %.3f", v, threshold(v)) at graph 0.01, 0.12 front
        if (i == N) { set xlabel "iteration k"; set format x "%g" } else { unset xlabel; set format x "" }
        plot threshold(v) ls 91 notitle, \
            SUMMARY using (column(step)):(pick("jarzynski", v, "ess_min")):(pick("jarzynski", v, "ess_max")) \
                with filledcurves fc rgb colour(i) notitle, \
            DATA using (column(step)):(first_run(v, "ess")) with lines lc rgb colour(i) lw 1.2 notitle
    }
    unset multiplot
    unset output
}
