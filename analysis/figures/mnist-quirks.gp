# Study mnist-quirks: what the released code does otherwise; left all of it but one, right one alone.
#
#     gnuplot -c mnist-quirks.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/mnist-quirks.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "mnist-quirks.gp: expected a run directory: gnuplot -c mnist-quirks.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
load HERE."images.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }
NAME = "mnist-quirks"
load HERE."study.gp"

# the two ends, and the quirks in between
QUIRKS = ""
do for [v in VARIANTS] { if (v[1:4] eq "all-") { QUIRKS = with_item(QUIRKS, v[5:]) } }
K = words(QUIRKS)
ENDS = "all none"
variant(side, i) = (side == 1 ? "all-" : "only-").word(QUIRKS, i)
end(side) = word(ENDS, side)
# no variant leads to an empty curve, not to an error
there(v) = has(VARIANTS, v) ? "jarzynski ".v.";" : cell(1)
shown(v) = has(VARIANTS, v)
# black is for the ends
hue(i) = colour((i - 1) % 6 + 1)
broken(i) = i > 6 ? 2 : 1

# both sides of a row on one scale
array LOW[4]
array HIGH[4]
do for [p = 1:4] {
    LOW[p] = NaN
    HIGH[p] = NaN
    do for [i = 1:M] {
        stats $CELLS index cell(i) using (LOW[p] = least(column(3 * p - 1), LOW[p]), \
            HIGH[p] = most(column(3 * p - 1), HIGH[p]), 0) nooutput
    }
}

do for [format in FORMATS] {
    eval terminal(format, 1500, 1500)
    set output RUNDIR."/".NAME.".".format
    set multiplot layout 4, 2 margins 0.055, 0.82, 0.04, 0.92 spacing 0.06, 0.055 \
        title "What the released code does otherwise, one at a time, ".CAPTION."\n" \
        ."lines: mean over the runs; left: all of it (black), without one; " \
        ."right: none of it (black), one alone" font ",12" noenhanced
    do for [p = 1:4] {
        do for [side = 1:2] {
            set title word(LABELS, p)
            if (p == 4) { set xlabel iterations(LAST) offset 0, 0.4 } else { unset xlabel }
            unset key
            if (p == 1 && side == 2) { eval legend_beside(0.83) }
            c = 3 * p - 1
            if (p == 1) { eval WIDE_AXIS }
            if (HIGH[p] > LOW[p]) { set yrange [LOW[p] - 0.03 * (HIGH[p] - LOW[p]):HIGH[p] + 0.03 * (HIGH[p] - LOW[p])] } else { set yrange [*:*] }
            plot for [i = 1:K] $CELLS index there(variant(side, i)) \
                    using ($1 / UNIT):(shown(variant(side, i)) ? column(c) : NaN) \
                    with lines lc rgb hue(i) lw 1.6 dt broken(i) title word(QUIRKS, i), \
                $CELLS index there(end(side)) \
                    using ($1 / UNIT):(shown(end(side)) ? column(c) : NaN) \
                    with lines lc rgb "#000000" lw 2.4 title "all, none"
            if (p == 1) { eval PLAIN_AXIS }
        }
    }
    unset multiplot
    unset output
}
