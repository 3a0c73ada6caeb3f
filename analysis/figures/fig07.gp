# Figure 7: effective sample size during the training, one panel a threshold.
#
#     gnuplot -c fig07.gp RUNDIR [CAPTION]
#
# reads RUNDIR/trajectory.csv; writes RUNDIR/fig07.png, .svg and .pdf.
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
# the smallest since the row before: the tips of the teeth that fall between two rows
TIPS = has_values(DATA, "jarzynski", "ess_min") ? "ess_min" : "ess"

# where the walkers follow the means, they are resampled most: these steps stand apart
LAST = 0
stats SUMMARY using (LAST = column("step") > LAST ? column("step") : LAST, 0) nooutput
EARLY = 0.05 * LAST

HEIGHT = 140 + 200 * N
step = "step"
do for [format in FORMATS] {
    eval terminal(format, 1500, HEIGHT)
    set output RUNDIR."/fig07.".format
    set multiplot layout N, 2 margins 0.05, 0.985, 60.0 / HEIGHT, 1 - 110.0 / HEIGHT \
        spacing 0.045, 58.0 / HEIGHT title "Figure 7. ".ALGORITHM_1.", ".CAPTION."\n" \
        ."left: the first twentieth; line: the first run as recorded; dark: down to its smallest value since " \
        ."the row before; light: smallest to largest run; dots: threshold" font ",12" noenhanced
    set yrange [0:1.05]
    set ytics 0, 0.25
    unset key
    do for [i = 1:N] {
        v = word(VARIANTS, i)
        do for [whole = 0:1] {
            set title sprintf("c = %s: resampling below 1/(1 + c) = %.3f", v[strstrt(v, "=") + 1:], threshold(v)) \
                noenhanced offset 0, -0.6
            set ylabel whole ? "" : "ESS_k / N"
            set xrange [0:whole ? LAST : EARLY]
            if (i == N) { set xlabel "iteration k"; set format x "%g" } else { unset xlabel; set format x "" }
            plot threshold(v) ls 91, \
                SUMMARY using (column(step)):(pick("jarzynski", v, "ess_min")):(pick("jarzynski", v, "ess_max")) \
                    with filledcurves fc rgb colour(i), \
                DATA using (column(step)):(first_run(v, TIPS)):(first_run(v, "ess")) \
                    with filledcurves fc rgb colour(i) fs transparent solid 0.45, \
                DATA using (column(step)):(first_run(v, "ess")) with lines lc rgb colour(i) lw 1.2
        }
    }
    unset multiplot
    unset output
}
