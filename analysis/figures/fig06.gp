# Figure 6: weight of the mode at a, positions of the modes and divergence during the training, for
# Algorithm 1 at each threshold (above) and for PCD and CD (below).
#
#     gnuplot -c fig06.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/fig06.png and RUNDIR/fig06.svg.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig06.gp: expected a run directory: gnuplot -c fig06.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error "fig06.gp: ".SUMMARY." cannot be read: run the figure first" }

P_TARGET = target(RUNDIR, "p_star", 0.25)
A_TARGET = target(RUNDIR, "a_star", -10)
B_TARGET = target(RUNDIR, "b_star", 6)

VARIANTS = ""
METHODS = ""
stats SUMMARY using (METHODS = with_item(METHODS, stringcolumn("method")), \
    stringcolumn("method") eq "jarzynski" \
        ? (VARIANTS = with_item(VARIANTS, stringcolumn("variant")), 0) : 0) nooutput
N = words(VARIANTS)
OTHERS = ""
do for [m in "pcd cd"] { if (has(METHODS, m)) { OTHERS = with_item(OTHERS, m) } }
name(m) = m eq "pcd" ? "PCD" : "CD"
place(m) = m eq "pcd" ? 6 : 7
EVALUATED = has_values(SUMMARY, "jarzynski", "kl_evaluation_mean")
# gnuplot looks a column up even where no curve is drawn from it
EVALUATION = EVALUATED ? "kl_evaluation_mean" : "kl_estimate_mean"
# marks at different places along the curves, so that none hides another
offset(i) = 6 + 3 * i

step = "step"
set xlabel "iteration k" offset 0, 0.4
do for [format in "png svg"] {
    eval terminal(format, 1500, 860)
    set output RUNDIR."/fig06.".format
    set multiplot layout 2, 3 margins 0.055, 0.97, 0.07, 0.88 spacing 0.06, 0.13 \
        title "Figure 6. ".CAPTION."\n" \
        ."lines: mean over the runs; bands: smallest to largest run; heavy dashes: target" \
        font ",12" noenhanced
    do for [row = 1:2] {
        ours = row == 1
        count = ours ? N : words(OTHERS)
        method(i) = ours ? "jarzynski" : word(OTHERS, i)
        variant(i) = ours ? word(VARIANTS, i) : "-"
        label(i) = ours ? variant(i) : name(method(i))
        look(i) = ours ? i : place(method(i))
        cell(i, c) = pick(method(i), variant(i), c)
        group = ours ? "Algorithm 1" : "PCD and CD"

        set title group.": weight of the mode at a"
        set ylabel "p_k = 1/(1 + e^{-z_k})"
        set yrange [0:0.6<*]
        set key inside top right
        plot P_TARGET ls 90 notitle, \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "p_min")):(cell(i, "p_max")) \
                with filledcurves fc rgb colour(look(i)) notitle, \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "p_mean")) \
                with linespoints lc rgb colour(look(i)) lw 1.6 dt look(i) \
                pt mark(look(i)) ps 0.9 pn offset(i) title label(i)

        set title group.": first coordinates of the means"
        set ylabel sprintf("a_k^1 (towards %g), b_k^1 (towards %g)", A_TARGET, B_TARGET)
        set yrange [A_TARGET - 2:B_TARGET + 2]
        set key inside center right
        plot A_TARGET ls 90 notitle, B_TARGET ls 90 notitle, \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "a1_min")):(cell(i, "a1_max")) \
                with filledcurves fc rgb colour(look(i)) notitle, \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "b1_min")):(cell(i, "b1_max")) \
                with filledcurves fc rgb colour(look(i)) notitle, \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "a1_mean")) \
                with linespoints lc rgb colour(look(i)) lw 1.6 dt look(i) \
                pt mark(look(i)) ps 0.9 pn offset(i) title label(i), \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "b1_mean")) \
                with linespoints lc rgb colour(look(i)) lw 1.6 dt look(i) \
                pt mark(look(i)) ps 0.9 pn offset(i) notitle

        set title group.": Kullback-Leibler divergence"
        set ylabel DIVERGENCE_LABEL
        set yrange [*:*]
        eval DIVERGENCE_AXIS
        if (ours) { set key inside top right } else { set key inside center right }
        plot 0 ls 90 notitle, \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "kl_exact_min")):(cell(i, "kl_exact_max")) \
                with filledcurves fc rgb colour(look(i)) notitle, \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "kl_exact_mean")) \
                with linespoints lc rgb colour(look(i)) lw 1.6 \
                pt mark(look(i)) ps 0.9 pn offset(i) title label(i), \
            for [i = 1:(ours ? count : 0)] SUMMARY using (column(step)):(cell(i, "kl_estimate_mean")) \
                with lines lc rgb colour(look(i)) lw 1.2 dt (4, 4) \
                title i == 1 ? "by the weights" : "", \
            for [i = 1:(ours && EVALUATED ? count : 0)] \
                SUMMARY using (column(step)):(cell(i, EVALUATION)) \
                with lines lc rgb colour(look(i)) lw 1.6 dt (1, 3) \
                title i == 1 ? "by an evaluation population" : ""
        eval PLAIN_AXIS
    }
    unset multiplot
    unset output
}
