# Evaluation of trained models: log Z by annealing from both ends, and the model's masses.
#
#     gnuplot -c evaluate.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/evaluate.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "evaluate.gp: expected a run directory: gnuplot -c evaluate.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
load HERE."images.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error "evaluate.gp: ".SUMMARY." cannot be read: run the figure first" }

SHOWN = present(SUMMARY)
if (!strlen(SHOWN)) { exit error "evaluate.gp: ".SUMMARY." has no rows of a known method" }
K = has_values(SUMMARY, word(SHOWN, 1), "mass_forward_2_mean") ? 3 : 2
# Fewer effective walkers than this at the end of a way: docs/IMAGES.md takes it for no bound.
FEW = 10
WALKERS = target(RUNDIR, "ais_walkers", 0)
WALKERS = WALKERS > 0 ? WALKERS : target(RUNDIR, "walkers", 1)
columns(name) = sprintf(" %s_mean %s_min %s_max", name, name, name)
NAMES_READ = "annealing_steps_mean".columns("cross_entropy_forward").columns("cross_entropy_reverse") \
    .columns("cross_entropy").columns("mass_forward_0").columns("mass_forward_1").columns("mass_forward_2") \
    ." ess_forward_mean ess_reverse_mean"
set print $CELLS
do for [m in SHOWN] { print block(SUMMARY, m, "variant", word(variants(SUMMARY, m), 1), NAMES_READ) }
unset print
eval BLOCKS
cell(m) = m." ".word(variants(SUMMARY, m), 1).";"

# the data's mass of a class, from the counts that the run had
counts = strlen(field(RUNDIR, "counts_found")) ? field(RUNDIR, "counts_found") : field(RUNDIR, "counts")
total = real(sum [j = 1:words(counts)] int(word(counts, j)))

# both ends on one scale, and room beside the first and last numbers of steps
FIRST = NaN
LAST = NaN
LOW = NaN
HIGH = NaN
do for [m in SHOWN] {
    stats $CELLS index cell(m) using (FIRST = least($1, FIRST), LAST = most($1, LAST), \
        LOW = least(least($3, $6), LOW), HIGH = most(most($4, $7), HIGH), 0) nooutput
}
ROOM = HIGH > LOW ? 0.04 * (HIGH - LOW) : 1
set logscale x 2
set xrange [FIRST / 1.3:LAST * 1.3]
set xlabel "steps of annealing" offset 0, 0.4
do for [format in FORMATS] {
    eval terminal(format, 1750, 860)
    set output RUNDIR."/evaluate.".format
    set multiplot layout 2, 3 margins 0.05, 0.835, 0.07, 0.87 spacing 0.06, 0.13 \
        title "Evaluation of trained models, ".CAPTION."\nmeans over the runs; bands: smallest to largest " \
        ."run; heavy dashes: the data's mass" font ",12" noenhanced
    unset key
    set yrange [LOW - ROOM:HIGH + ROOM]
    set title "cross-entropy, annealing from noise (too low on average)"
    set ylabel "nats"
    plot for [m in SHOWN] $CELLS index cell(m) using 1:3:4 with filledcurves fc rgb colour(look(m)), \
        for [m in SHOWN] $CELLS index cell(m) using 1:2 with linespoints lc rgb colour(look(m)) \
            pt mark(look(m)) lw 1.8
    set title "... from the walkers (too high, if they are samples)"
    set ylabel ""
    plot for [m in SHOWN] $CELLS index cell(m) using 1:6:7 with filledcurves fc rgb colour(look(m)) notitle, \
        for [m in SHOWN] $CELLS index cell(m) using 1:5 with linespoints lc rgb colour(look(m)) \
            pt mark(look(m)) lw 1.8 notitle
    set title sprintf("effective walkers at the end (below %d: no bound)", FEW)
    set yrange [0.8:2 * WALKERS]
    set logscale y
    eval legend_beside(0.845)
    plot FEW ls 91 notitle, for [m in SHOWN] $CELLS index cell(m) using 1:(WALKERS * $20) \
        with linespoints lc rgb colour(look(m)) pt mark(look(m)) lw 1.8 title name(m), \
        for [m in SHOWN] $CELLS index cell(m) using 1:(WALKERS * $21) with linespoints \
        lc rgb colour(look(m)) pt mark(look(m)) dt (6, 4) lw 1.8 notitle, \
        keyentry with lines lc rgb "#000000" lw 1.8 title "- from noise", \
        keyentry with lines lc rgb "#000000" dt (6, 4) lw 1.8 title "- back from the walkers"
    unset key
    unset logscale y
    set yrange [0:1]
    do for [j = 0:K - 1] {
        set title "the model's mass of class ".class(RUNDIR, j + 1)
        set ylabel j == 0 ? "mass, by annealing from noise" : ""
        c = 11 + 3 * j
        plot int(word(counts, j + 1)) / total ls 90 notitle, \
            for [m in SHOWN] $CELLS index cell(m) using 1:(column(c + 1)):(column(c + 2)) \
                with filledcurves fc rgb colour(look(m)) notitle, \
            for [m in SHOWN] $CELLS index cell(m) using 1:(column(c)) with linespoints \
                lc rgb colour(look(m)) pt mark(look(m)) lw 1.8 notitle
    }
    unset multiplot
    unset output
}
