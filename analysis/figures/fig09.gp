# Figure 9: weight of the mode at a and effective sample size of a training without resampling.
#
#     gnuplot -c fig09.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/fig09.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig09.gp: expected a run directory: gnuplot -c fig09.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error "fig09.gp: ".SUMMARY." cannot be read: run the figure first" }

P_TARGET = target(RUNDIR, "p_star", 0.25)

VARIANT = ""
LAST = 0
stats SUMMARY using (stringcolumn("method") eq "jarzynski" \
    ? (VARIANT = strlen(VARIANT) ? VARIANT : stringcolumn("variant"), \
       LAST = column("step") > LAST ? column("step") : LAST, 0) : 0) nooutput
if (!strlen(VARIANT)) { exit error "fig09.gp: ".SUMMARY." has no rows of method jarzynski" }
UNIT = unit(LAST)
set print $CELL
print block(SUMMARY, "jarzynski", "variant", VARIANT, \
    "step p_mean p_se p_min p_max ess_mean ess_min ess_max")
unset print
eval BLOCKS
# a lone run has no standard error
se(x) = x == x ? x : 0

set xlabel iterations(LAST) offset 0, 0.4
do for [format in FORMATS] {
    eval terminal(format, 1100, 480)
    set output RUNDIR."/fig09.".format
    set multiplot layout 1, 2 margins 0.075, 0.97, 0.12, 0.79 spacing 0.09, 0.13 \
        title "Figure 9. Without resampling, ".CAPTION."\n" \
        ."lines: mean over the runs; dark band: its standard error; light band: smallest to largest run; " \
        ."heavy dashes: target" \
        font ",12" noenhanced

    set title "weight of the mode at a"
    set ylabel "p_k = 1/(1 + e^{-z_k})"
    set yrange [*:*]
    unset key
    plot P_TARGET ls 90, \
        $CELL using ($1 / UNIT):4:5 with filledcurves fc rgb colour(1), \
        $CELL using ($1 / UNIT):($2 - se($3)):($2 + se($3)) \
            with filledcurves fc rgb colour(1) fs transparent solid 0.35, \
        $CELL using ($1 / UNIT):2 with lines lc rgb colour(1) lw 1.6

    set title "effective sample size"
    set ylabel "ESS_k / N"
    set yrange [0:1.05]
    plot $CELL using ($1 / UNIT):7:8 with filledcurves fc rgb colour(1), \
        $CELL using ($1 / UNIT):6 with lines lc rgb colour(1) lw 1.6
    unset multiplot
    unset output
}
