# Figure 1: weight of the mode at a, positions of the modes and divergence during the training, for
# Algorithm 2, PCD and CD.
#
#     gnuplot -c fig01.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/fig01.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig01.gp: expected a run directory: gnuplot -c fig01.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error "fig01.gp: ".SUMMARY." cannot be read: run the figure first" }

P_TARGET = target(RUNDIR, "p_star", 0.25)
A_TARGET = target(RUNDIR, "a_star", -10)
B_TARGET = target(RUNDIR, "b_star", 6)

# the first variant of each method that was run
METHODS = ""
VARIANTS = ""
stats SUMMARY using (has(METHODS, stringcolumn("method")) ? 0 \
    : (METHODS = with_item(METHODS, stringcolumn("method")), \
       VARIANTS = VARIANTS." ".stringcolumn("variant"), 0)) nooutput
N = words(METHODS)
name(m) = m eq "jarzynski" ? ALGORITHM_2 : m eq "pcd" ? "PCD" : m eq "cd" ? "CD" : m
look(i) = word(METHODS, i) eq "pcd" ? 6 : word(METHODS, i) eq "cd" ? 7 : i
label(i) = name(word(METHODS, i))
cell(i, c) = pick(word(METHODS, i), word(VARIANTS, i), c)
OURS = has(METHODS, "jarzynski") ? 1 : 0
EVALUATED = OURS && has_values(SUMMARY, "jarzynski", "kl_evaluation_mean")
# gnuplot looks a column up even where no curve is drawn from it
EVALUATION = EVALUATED ? "kl_evaluation_mean" : "kl_estimate_mean"
ours(c) = stringcolumn("method") eq "jarzynski" && stringcolumn("variant") eq word(VARIANTS, 1) \
    ? column(c) : NaN
# marks at different places along the curves, so that none hides another
offset(i) = 6 + 3 * i

step = "step"
set xlabel "iteration k" offset 0, 0.4
do for [format in FORMATS] {
    eval terminal(format, 1750, 500)
    set output RUNDIR."/fig01.".format
    set multiplot layout 1, 3 margins 0.05, 0.805, 0.12, 0.8 spacing 0.055, 0.13 \
        title "Figure 1. ".ALGORITHM_2.", PCD and CD, ".CAPTION."\n" \
        ."lines: mean over the runs; bands: smallest to largest run; heavy dashes: target" \
        font ",12" noenhanced
    unset key

    set title "weight of the mode at a"
    set ylabel "p_k = 1/(1 + e^{-z_k})"
    set yrange [0:0.6<*]
    plot P_TARGET ls 90 notitle, \
        for [i = 1:N] SUMMARY using (column(step)):(cell(i, "p_min")):(cell(i, "p_max")) \
            with filledcurves fc rgb colour(look(i)) notitle, \
        for [i = 1:N] SUMMARY using (column(step)):(cell(i, "p_mean")) \
            with linespoints lc rgb colour(look(i)) lw 1.6 dt look(i) \
            pt mark(look(i)) ps 0.9 pn offset(i)

    set title "first coordinates of the means"
    set ylabel sprintf("a_k^1 (towards %g), b_k^1 (towards %g)", A_TARGET, B_TARGET)
    set yrange [*<A_TARGET - 2:B_TARGET + 2<*]
    plot A_TARGET ls 90 notitle, B_TARGET ls 90 notitle, \
        for [i = 1:N] SUMMARY using (column(step)):(cell(i, "a1_min")):(cell(i, "a1_max")) \
            with filledcurves fc rgb colour(look(i)) notitle, \
        for [i = 1:N] SUMMARY using (column(step)):(cell(i, "b1_min")):(cell(i, "b1_max")) \
            with filledcurves fc rgb colour(look(i)) notitle, \
        for [i = 1:N] SUMMARY using (column(step)):(cell(i, "a1_mean")) \
            with linespoints lc rgb colour(look(i)) lw 1.6 dt look(i) \
            pt mark(look(i)) ps 0.9 pn offset(i), \
        for [i = 1:N] SUMMARY using (column(step)):(cell(i, "b1_mean")) \
            with linespoints lc rgb colour(look(i)) lw 1.6 dt look(i) \
            pt mark(look(i)) ps 0.9 pn offset(i) notitle

    set title "Kullback-Leibler divergence"
    set ylabel DIVERGENCE_LABEL
    set yrange [*:*]
    eval DIVERGENCE_AXIS
    eval legend_beside(0.815)
    plot 0 ls 90 notitle, \
        for [i = 1:N] SUMMARY using (column(step)):(cell(i, "kl_exact_min")):(cell(i, "kl_exact_max")) \
            with filledcurves fc rgb colour(look(i)) notitle, \
        for [i = 1:N] SUMMARY using (column(step)):(cell(i, "kl_exact_mean")) \
            with linespoints lc rgb colour(look(i)) lw 1.6 dt look(i) \
            pt mark(look(i)) ps 0.9 pn offset(i) title label(i), \
        for [i = 1:OURS] keyentry title "divergence of Algorithm 2", \
        for [i = 1:OURS] SUMMARY using (column(step)):(ours("kl_estimate_mean")) \
            with lines lc rgb colour(2) lw 1.6 dt (6, 4) title "- estimated by the weights", \
        for [i = 1:(EVALUATED ? 1 : 0)] SUMMARY using (column(step)):(ours(EVALUATION)) \
            with lines lc rgb colour(3) lw 2 dt (2, 3) title "- estimated by an evaluation population"
    eval PLAIN_AXIS
    unset multiplot
    unset output
}
