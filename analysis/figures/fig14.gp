# Figure 14: one-dimensional mixture of which only z is trained: z (above early, then over the whole
# time) and the mass q = 1 - p of the mode at b (below), a column an algorithm, with the ODEs of App. C
# on top.
#
#     gnuplot -c fig14.gp RUNDIR [CAPTION]
#
# reads RUNDIR/trajectory.csv; writes RUNDIR/fig14.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig14.gp: expected a run directory: gnuplot -c fig14.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

DATA = RUNDIR."/trajectory.csv"
if (strlen(missing(DATA))) { exit error "fig14.gp: ".DATA." cannot be read: run the figure first" }

P_TARGET = target(RUNDIR, "p_star", 0.25)
Z_TARGET = log(P_TARGET / (1 - P_TARGET))
H = target(RUNDIR, "h", 0.01)
EARLY = 100.0

FOUND = ""
RUNS = 0
LAST = 0
SECOND = 0
stats DATA using (FOUND = with_item(FOUND, stringcolumn("method")), \
    RUNS = column("run") >= RUNS ? int(column("run")) + 1 : RUNS, \
    SECOND = SECOND == 0 ? column("step") : SECOND, \
    LAST = column("step") > LAST ? column("step") : LAST, 0) nooutput
# where the whole time is short, or its first part holds hardly a row
EARLY = LAST * H < EARLY ? LAST * H : EARLY < 5 * SECOND * H ? 5 * SECOND * H : EARLY
# more lines than a few hide each other
SHOWN = RUNS < 5 ? RUNS : 5

# the paper's three first
METHODS = ""
do for [m in "unweighted pcd jarzynski cd jarzynski_continuous ".FOUND] {
    if (has(FOUND, m)) { METHODS = with_item(METHODS, m) }
}
N = words(METHODS)
name(m) = m eq "unweighted" ? "without weights" : m eq "pcd" ? "PCD" : m eq "cd" ? "CD" \
    : m eq "jarzynski" ? "Jarzynski" : m eq "jarzynski_continuous" ? "Jarzynski, Proposition 2" : m
weighted(m) = m[1:9] eq "jarzynski"

array SOLVED[N]
array REST[N]
do for [i = 1:N] {
    m = word(METHODS, i)
    SOLVED[i] = has_values(DATA, m, "z_ode") ? 1 : 0
    # (54) with the shares that the first run began with, and the remark below (74)
    REST[i] = NaN
    if (weighted(m) && has_values(DATA, m, "data_fraction_a")) {
        stats DATA using (stringcolumn("method") eq m && column("run") == 0 && column("step") == 0 \
            ? (REST[i] = column("z") \
                + log((1 - column("fraction_a")) / column("fraction_a")) \
                + log(column("data_fraction_a") / (1 - column("data_fraction_a"))), 0) : 0) nooutput
    }
}
set print $CELLS
do for [m in METHODS] {
    do for [r = 0:SHOWN - 1] { print block(DATA, m, "run", sprintf("%d", r), "step z z_ode") }
}
unset print
eval BLOCKS
cell(m, r) = sprintf("%s %d;", m, r)
# where the ODE runs off, the axis stays with the runs; all columns of a row have the same, so that
# they can be compared
array LOW[2] = [Z_TARGET < 0 ? Z_TARGET : 0, Z_TARGET < 0 ? Z_TARGET : 0]
array HIGH[2] = [Z_TARGET > 0 ? Z_TARGET : 0, Z_TARGET > 0 ? Z_TARGET : 0]
do for [m in METHODS] {
    do for [r = 0:SHOWN - 1] {
        do for [row = 1:2] {
            stats $CELLS index cell(m, r) using (row == 2 || $1 * H <= EARLY \
                ? (LOW[row] = $2 < LOW[row] ? $2 : LOW[row], HIGH[row] = $2 > HIGH[row] ? $2 : HIGH[row], 0) \
                : 0) nooutput
        }
    }
}
# linear near zero, where the target is, and logarithmic beyond
Z_AXIS = "set nonlinear y via asinh(y) inverse sinh(y);" \
    ."set ytics (-50, -20, -10, -5, -2, -1, 0, 1, 2, 5, 10, 20, 50)"
share_b(z) = 1 / (1 + exp(z > 500 ? 500 : z))

WIDTH = 110 + 330 * N
do for [format in FORMATS] {
    eval terminal(format, WIDTH, 1000)
    set output RUNDIR."/fig14.".format
    set multiplot layout 3, N margins 75.0 / WIDTH, 1 - 35.0 / WIDTH, 0.06, 0.885 \
        spacing 60.0 / WIDTH, 0.075 title "Figure 14. One dimension, only z is trained; ".CAPTION."\n" \
        ."heavy: the first run, thin: others; dashes: its ODE of App. C; black: target; " \
        ."green: fixed point (54)" font ",12" noenhanced
    do for [row = 1:3] {
        do for [i = 1:N] {
            m = word(METHODS, i)
            set title row == 1 ? name(m)."\nz(t), early" : row == 2 ? "z(t)" : "q(t) = 1 - p(t)" noenhanced
            set ylabel i > 1 ? "" : row == 3 ? "q" : "z (axis linear near 0)"
            set xlabel row == 3 ? "time t" : "" offset 0, 0.4
            set xrange [0:row == 1 ? EARLY : LAST * H]
            unset key
            if (row == 3) { set yrange [-0.03:1.03] } else { set yrange [1.2 * LOW[row] - 0.2:1.2 * HIGH[row] + 0.2] }
            if (row < 3) { eval Z_AXIS } else { eval PLAIN_AXIS }
            shown(z) = row == 3 ? share_b(z) : z
            rest = REST[i] == REST[i]
            plot shown(Z_TARGET) with lines lc rgb "#000000" lw 1.4 notitle, \
                for [j = 1:(rest ? 1 : 0)] shown(REST[i]) with lines lc rgb colour(3) lw 1.6 notitle, \
                for [r = 0:SHOWN - 1] $CELLS index cell(m, r) using ($1 * H):(shown($2)) \
                    with lines lc rgb colour(5) lw 0.7 notitle, \
                $CELLS index cell(m, 0) using ($1 * H):(shown($2)) \
                    with lines lc rgb colour(1) lw 1.8 notitle, \
                for [j = 1:SOLVED[i]] $CELLS index cell(m, 0) using ($1 * H):(shown($3)) \
                    with lines lc rgb colour(6) lw 1.6 dt (6, 4) notitle
        }
    }
    unset multiplot
    unset output
}
