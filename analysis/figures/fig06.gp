# Figure 6: weight of the mode at a, positions of the modes and divergence during the training, for
# Algorithm 1 at each threshold (above) and for PCD and CD (below).
#
#     gnuplot -c fig06.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/fig06.png, .svg and .pdf.
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
HIGH = 0.6
stats SUMMARY using (HIGH = column("p_max") > HIGH ? column("p_max") : HIGH, METHODS = with_item(METHODS, stringcolumn("method")), \
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

# a row for what there is
ROWS = (N > 0 ? 1 : 0) + (words(OTHERS) > 0 ? 1 : 0)
if (ROWS == 0) { exit error "fig06.gp: ".SUMMARY." has no rows of a known method" }
HEIGHT = 100 + 380 * ROWS
step = "step"
set xlabel "iteration k" offset 0, 0.4
do for [format in FORMATS] {
    eval terminal(format, 1750, HEIGHT)
    set output RUNDIR."/fig06.".format
    set multiplot layout ROWS, 3 margins 0.05, 0.825, 60.0 / HEIGHT, 1 - 103.0 / HEIGHT \
        spacing 0.055, 112.0 / HEIGHT \
        title "Figure 6. ".ALGORITHM_1.", PCD and CD, ".CAPTION."\n" \
        ."lines: mean over the runs; bands: smallest to largest run; heavy dashes: target" \
        font ",12" noenhanced
    do for [row = 1:2] {
        ours = row == 1
        count = ours ? N : words(OTHERS)
        if (count == 0) { continue }
        method(i) = ours ? "jarzynski" : word(OTHERS, i)
        variant(i) = ours ? word(VARIANTS, i) : "-"
        label(i) = ours ? "c = ".variant(i)[strstrt(variant(i), "=") + 1:] : name(method(i))
        look(i) = ours ? i : place(method(i))
        cell(i, c) = pick(method(i), variant(i), c)
        group = ours ? ALGORITHM_1 : "PCD and CD"
        unset key

        set title group.": weight of the mode at a"
        set ylabel "p_k = 1/(1 + e^{-z_k})"
        set yrange [0:HIGH]
        plot P_TARGET ls 90, \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "p_min")):(cell(i, "p_max")) \
                with filledcurves fc rgb colour(look(i)), \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "p_mean")) \
                with linespoints lc rgb colour(look(i)) lw 1.6 dt look(i) \
                pt mark(look(i)) ps 0.9 pn offset(i)

        set title group.": first coordinates of the means"
        set ylabel sprintf("a_k^1 (towards %g), b_k^1 (towards %g)", A_TARGET, B_TARGET)
        set yrange [A_TARGET - 2:B_TARGET + 2]
        plot A_TARGET ls 90, B_TARGET ls 90, \
            for [c in "a1 b1"] for [i = 1:count] \
                SUMMARY using (column(step)):(cell(i, c."_min")):(cell(i, c."_max")) \
                with filledcurves fc rgb colour(look(i)), \
            for [c in "a1 b1"] for [i = 1:count] SUMMARY using (column(step)):(cell(i, c."_mean")) \
                with linespoints lc rgb colour(look(i)) lw 1.6 dt look(i) \
                pt mark(look(i)) ps 0.9 pn offset(i)

        set title group.": Kullback-Leibler divergence"
        set ylabel DIVERGENCE_LABEL
        set yrange [*:*]
        eval DIVERGENCE_AXIS
        # the legend of the row stands beside it; estimates are grey there, as they have each colour
        eval legend_beside(0.835)
        plot 0 ls 90 notitle, \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "kl_exact_min")):(cell(i, "kl_exact_max")) \
                with filledcurves fc rgb colour(look(i)) notitle, \
            for [i = 1:(ours && EVALUATED ? count : 0)] \
                SUMMARY using (column(step)):(cell(i, EVALUATION)) \
                with points pt 7 ps 0.35 lc rgb colour(look(i)) pi 3 notitle, \
            for [i = 1:(ours ? count : 0)] SUMMARY using (column(step)):(cell(i, "kl_estimate_mean")) \
                with lines lc rgb colour(look(i)) lw 1.3 dt (9, 5) notitle, \
            for [i = 1:count] SUMMARY using (column(step)):(cell(i, "kl_exact_mean")) \
                with linespoints lc rgb colour(look(i)) lw 1.6 dt look(i) \
                pt mark(look(i)) ps 0.9 pn offset(i) title label(i), \
            for [i = 1:(ours ? 1 : 0)] keyentry title "divergence, estimated", \
            for [i = 1:(ours ? 1 : 0)] keyentry with lines lc rgb "#555555" lw 1.3 dt (9, 5) \
                title "- by the weights", \
            for [i = 1:(ours && EVALUATED ? 1 : 0)] keyentry with points pt 7 ps 0.6 \
                lc rgb "#555555" title "- by an evaluation population"
        eval PLAIN_AXIS
    }
    unset multiplot
    unset output
}
