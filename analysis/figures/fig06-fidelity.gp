# Figure 6 at several fidelities: weight and divergence of Algorithm 1 at the lowest and highest
# threshold, for docs/FIDELITY.md.
#
#     gnuplot -c fig06-fidelity.gp OUTDIR LABEL=RUNDIR...      up to eight run directories
#
# reads each RUNDIR/summary.csv; writes OUTDIR/fig06-fidelity.png, .svg and .pdf. Without `LABEL=` the
# directory is the label.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 2) { exit error "fig06-fidelity.gp: expected gnuplot -c fig06-fidelity.gp OUTDIR LABEL=RUNDIR..." }
OUTDIR = ARG1
N = ARGC - 1
array GIVEN[8] = [ARG2, ARG3, ARG4, ARG5, ARG6, ARG7, ARG8, ARG9]
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"

# a path may hold '=' as well: a label has no '/'
cut(i) = strstrt(GIVEN[i], "=") > 0 && strstrt(GIVEN[i][1:strstrt(GIVEN[i], "=")], "/") == 0 \
    ? strstrt(GIVEN[i], "=") : 0
given(i) = cut(i) ? GIVEN[i][1:cut(i) - 1] : GIVEN[i]
# a label that begins with a fidelity says what that follows
label(i) = given(i)[1:5] eq "paper" ? "the paper's text".given(i)[6:] \
    : given(i)[1:4] eq "code" ? "the released script".given(i)[5:] : given(i)
summary(i) = GIVEN[i][cut(i) + 1:]."/summary.csv"
do for [i = 1:N] {
    if (strlen(missing(summary(i)))) {
        exit error "fig06-fidelity.gp: ".summary(i)." cannot be read: run the figure first"
    }
}

P_TARGET = target(GIVEN[1][cut(1) + 1:], "p_star", 0.25)

VARIANTS = ""
stats summary(1) using (stringcolumn("method") eq "jarzynski" \
    ? (VARIANTS = with_item(VARIANTS, stringcolumn("variant")), 0) : 0) nooutput
if (words(VARIANTS) == 0) { exit error "fig06-fidelity.gp: ".summary(1)." has no rows of method jarzynski" }
offset(i) = 6 + 3 * i

step = "step"
do for [format in FORMATS] {
    eval terminal(format, 1350, 860)
    set output OUTDIR."/fig06-fidelity.".format
    set multiplot layout 2, 2 margins 0.06, 0.79, 0.07, 0.88 spacing 0.075, 0.13 \
        title ALGORITHM_1." by the paper's text and by the released script\n" \
        ."lines: mean over the runs; bands: smallest to largest run; heavy dashes: target" \
        font ",12" noenhanced
    set xlabel "iteration k" offset 0, 0.4
    do for [row = 1:2] {
        v = word(VARIANTS, row == 1 ? 1 : words(VARIANTS))
        cell(c) = pick("jarzynski", v, c)

        set title v.": weight of the mode at a"
        set ylabel "p_k = 1/(1 + e^{-z_k})"
        set yrange [0:0.6<*]
        unset key
        plot P_TARGET ls 90, \
            for [i = 1:N] summary(i) using (column(step)):(cell("p_min")):(cell("p_max")) \
                with filledcurves fc rgb colour(i), \
            for [i = 1:N] summary(i) using (column(step)):(cell("p_mean")) \
                with linespoints lc rgb colour(i) lw 1.6 dt i pt mark(i) ps 0.9 pn offset(i)

        set title v.": Kullback-Leibler divergence"
        set ylabel DIVERGENCE_LABEL
        set yrange [*:*]
        eval DIVERGENCE_AXIS
        eval legend_beside(0.8)
        plot 0 ls 90 notitle, \
            for [i = 1:N] summary(i) using (column(step)):(cell("kl_estimate_min")):(cell("kl_estimate_max")) \
                with filledcurves fc rgb colour(i) notitle, \
            for [i = 1:N] summary(i) using (column(step)):(cell("kl_exact_mean")) \
                with linespoints lc rgb colour(i) lw 1.6 pt mark(i) ps 0.9 pn offset(i) title label(i), \
            for [i = 1:N] summary(i) using (column(step)):(cell("kl_estimate_mean")) \
                with lines lc rgb colour(i) lw 1.4 dt (6, 4) notitle, \
            keyentry with lines lc rgb "#555555" lw 1.4 dt (6, 4) title "estimated by the weights"
        eval PLAIN_AXIS
    }
    unset multiplot
    unset output
}
