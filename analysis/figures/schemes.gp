# What resampling adds, by scheme and by the spread of the weights: variance of a mean (left) and
# total-variation distance between weights and shares of offspring (right).
#
#     gnuplot -c schemes.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/schemes.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "schemes.gp: expected a run directory: gnuplot -c schemes.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error "schemes.gp: ".SUMMARY." cannot be read: run the figure first" }

# errors of means are squared: times N they do not depend on N
N = target(RUNDIR, "walkers", 1)
SCHEMES = ""
stats SUMMARY using (SCHEMES = with_item(SCHEMES, stringcolumn("method")), 0) nooutput
COUNT = words(SCHEMES)
cell(i, c) = pick(word(SCHEMES, i), "-", c)
# nothing that a logarithmic axis could show
positive(v) = v > 0 ? v : NaN

set xlabel "{/Symbol t}: weights are exp(-{/Symbol t}/2 (x - 1)^2), x {/Symbol \\176} N(0, 1)" offset 0, 0.4
do for [format in FORMATS] {
    eval terminal(format, 1650, 560)
    set output RUNDIR."/schemes.".format
    set multiplot layout 1, 2 margins 0.05, 0.89, 0.11, 0.82 spacing 0.06, 0.1 \
        title "Resampling schemes, ".CAPTION."\n" \
        ."means over the trials, bars: standard errors; equal weights at the left end" \
        font ",12" noenhanced

    set title "variance that resampling adds to the mean of x"
    set ylabel "N x mean squared error"
    set logscale y
    unset key
    plot for [i = 1:COUNT] SUMMARY \
        using (column("tau_mean")):(positive(N * cell(i, "error_2_mean"))):(N * cell(i, "error_2_se")) \
        with yerrorlines lc rgb colour(i) lw 1.6 dt i pt mark(i) ps 0.9
    unset logscale y

    set title "total variation between weights and offspring"
    set ylabel "1/2 sum_i |p_i - N_i/N|"
    set yrange [0:*]
    eval legend_beside(0.9)
    plot for [i = 1:COUNT] SUMMARY \
        using (column("tau_mean")):(cell(i, "tv_mean")):(cell(i, "tv_se")) \
        with yerrorlines lc rgb colour(i) lw 1.6 dt i pt mark(i) ps 0.9 title word(SCHEMES, i)
    unset yrange
    unset multiplot
    unset output
}
