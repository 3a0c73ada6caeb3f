# Figure 10: weight of the mode at a (above) and its standard error over the runs (below), a column a
# resampling scheme, for several lags between resamplings and for resampling by the effective sample
# size.
#
#     gnuplot -c fig10.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/fig10.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig10.gp: expected a run directory: gnuplot -c fig10.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error "fig10.gp: ".SUMMARY." cannot be read: run the figure first" }

P_TARGET = target(RUNDIR, "p_star", 0.25)

FOUND = ""
VARIANTS = ""
LAST = 0
HIGH = P_TARGET
LOW = P_TARGET
ERROR = 0
stats SUMMARY using (FOUND = with_item(FOUND, stringcolumn("method")), \
    VARIANTS = with_item(VARIANTS, stringcolumn("variant")), \
    LAST = column("step") > LAST ? column("step") : LAST, \
    HIGH = column("p_mean") > HIGH ? column("p_mean") : HIGH, \
    LOW = column("p_mean") < LOW ? column("p_mean") : LOW, \
    ERROR = stringcolumn("p_se") ne "nan" && column("p_se") > ERROR ? column("p_se") : ERROR, 0) nooutput
UNIT = unit(LAST)

# the paper's three first
SCHEMES = ""
do for [m in "multinomial stratified systematic ".FOUND] {
    if (has(FOUND, m)) { SCHEMES = with_item(SCHEMES, m) }
}
N = words(SCHEMES)

# lags in rising order, then what else there is; the rarest lag is green, as in the paper
number(v) = real(v[strstrt(v, "=") + 1:])
is_lag(v) = v[1:4] eq "lag="
LAGS = ""
OTHERS = ""
do for [v in VARIANTS] {
    if (!is_lag(v)) { OTHERS = with_item(OTHERS, v); continue }
    before = ""
    after = ""
    do for [w in LAGS] {
        if (number(w) < number(v)) { before = before." ".w } else { after = after." ".w }
    }
    LAGS = before." ".v." ".after
}
VARIANTS = LAGS." ".OTHERS
M = words(VARIANTS)
look(i) = i == words(LAGS) ? 3 : i > words(LAGS) ? (i - words(LAGS) - 1) % 2 + 4 : i <= 2 ? i : i + 2
# solid where the lag is shortest and rarest: those lines are apart
dash(i) = i == words(LAGS) || i == 1 ? 1 : i <= words(LAGS) ? 2 : 4
label(i) = is_lag(word(VARIANTS, i)) ? sprintf("every %g steps", number(word(VARIANTS, i))) \
    : word(VARIANTS, i)[1:4] eq "ess=" ? sprintf("at ESS < %g", number(word(VARIANTS, i))) \
    : word(VARIANTS, i)
set print $CELLS
do for [m in SCHEMES] {
    do for [v in VARIANTS] { print block(SUMMARY, m, "variant", v, "step p_mean p_se") }
}
unset print
eval BLOCKS
cell(s, i) = word(SCHEMES, s)." ".word(VARIANTS, i).";"

# four or so tics in a narrow panel: a step of 1, 2 or 5 times a power of ten
SPAN = LAST > 0 ? LAST / UNIT / 3 : 1
DECADE = 10.0 ** floor(log10(SPAN))
set xtics SPAN / DECADE < 2 ? DECADE : SPAN / DECADE < 5 ? 2 * DECADE : 5 * DECADE

WIDTH = 310 + 300 * N
do for [format in FORMATS] {
    eval terminal(format, WIDTH, 760)
    set output RUNDIR."/fig10.".format
    set multiplot layout 2, N margins 80.0 / WIDTH, 1 - 205.0 / WIDTH, 0.08, 0.86 \
        spacing 36.0 / WIDTH, 0.1 title "Figure 10. ".ALGORITHM_1.", resampled at fixed lags or by the ESS, ".CAPTION."\n" \
        ."above: mean over the runs, heavy dashes the target; below: standard error of that mean" \
        font ",12" noenhanced
    do for [row = 1:2] {
        do for [s = 1:N] {
            set title row == 1 ? word(SCHEMES, s) : ""
            if (row == 1) { set xlabel "" } else { set xlabel iterations(LAST) offset 0, 0.4 }
            set format y s == 1 ? "%g" : ""
            if (s == N && row == 2) { eval legend_beside(1 - 190.0 / WIDTH) } else { unset key }
            if (row == 1) {
                set ylabel s == 1 ? "p_k = 1/(1 + e^{-z_k})" : ""
                set yrange [LOW - 0.05 * (HIGH - LOW):HIGH + 0.05 * (HIGH - LOW)]
                plot P_TARGET ls 90, \
                    for [i = 1:M] $CELLS index cell(s, i) using ($1 / UNIT):2 \
                        with lines lc rgb colour(look(i)) lw 1.8 dt dash(i)
            } else {
                set ylabel s == 1 ? "standard error of p_k" : ""
                set yrange [0:ERROR > 0 ? 1.05 * ERROR : 1]
                plot for [i = 1:M] $CELLS index cell(s, i) using ($1 / UNIT):3 \
                    with lines lc rgb colour(look(i)) lw 1.8 dt dash(i) title label(i)
            }
        }
    }
    unset multiplot
    unset output
}
