# Figure 3: relative error of the masses of the classes during the training, a panel a class.
#
#     gnuplot -c fig03.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/fig03.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig03.gp: expected a run directory: gnuplot -c fig03.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
load HERE."images.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error "fig03.gp: ".SUMMARY." cannot be read: run the figure first" }

SHOWN = present(SUMMARY)
if (!strlen(SHOWN)) { exit error "fig03.gp: ".SUMMARY." has no rows of a known method" }
LAST = 0
stats SUMMARY using (LAST = column("step") > LAST ? column("step") : LAST, 0) nooutput
UNIT = unit(LAST)
K = has_values(SUMMARY, word(SHOWN, 1), "error_2_mean") ? 3 : 2
names(j) = sprintf("error_%d_mean error_%d_min error_%d_max", j, j, j)
set print $CELLS
do for [m in SHOWN] {
    print block(SUMMARY, m, "variant", word(variants(SUMMARY, m), 1), \
        "step ".names(0)." ".names(1)." ".names(2))
}
unset print
eval BLOCKS
cell(m) = m." ".word(variants(SUMMARY, m), 1).";"
# one range for all panels, so that they can be compared
LOW = 0
HIGH = 0
do for [m in SHOWN] {
    do for [j = 1:K] {
        stats $CELLS index cell(m) using (c = 3 * j, LOW = column(c) < LOW ? column(c) : LOW, \
            HIGH = column(c + 1) > HIGH ? column(c + 1) : HIGH, 0) nooutput
    }
}
MARGIN = HIGH > LOW ? 0.04 * (HIGH - LOW) : 1

set xlabel iterations(LAST) offset 0, 0.4
do for [format in FORMATS] {
    eval terminal(format, 1700, 480)
    set output RUNDIR."/fig03.".format
    set multiplot layout 1, K margins 0.05, 0.83, 0.12, 0.79 spacing 0.06, 0.13 \
        title "Figure 3. Masses of the classes, ".CAPTION."\nlines: mean over the runs; bands: smallest to largest run; " \
        ."heavy dashes: the data's mass" font ",12" noenhanced
    do for [j = 1:K] {
        set title "mass of class ".class(RUNDIR, j)
        set ylabel j == 1 ? "relative error of the mass" : ""
        set yrange [LOW - MARGIN:HIGH + MARGIN]
        if (j == K) { eval legend_beside(0.84) } else { unset key }
        c = 3 * j - 1
        plot 0 ls 90 notitle, \
            for [m in SHOWN] $CELLS index cell(m) using ($1 / UNIT):(column(c + 1)):(column(c + 2)) \
                with filledcurves fc rgb colour(look(m)) notitle, \
            for [m in SHOWN] $CELLS index cell(m) using ($1 / UNIT):(column(c)) \
                with lines lc rgb colour(look(m)) lw 1.8 title name(m)
    }
    unset multiplot
    unset output
}
