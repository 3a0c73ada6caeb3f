# Figure 12: walkers of every method after the last update.
#
#     gnuplot -c fig12.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv and RUNDIR/images/; writes RUNDIR/fig12.png and RUNDIR/fig12.svg.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig12.gp: expected a run directory: gnuplot -c fig12.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
load HERE."images.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error "fig12.gp: ".SUMMARY." cannot be read: run the figure first" }

# the last run: Figures 2 and 11 show the first
RUNS = int(field(RUNDIR, "runs"))
RUN = RUNS > 1 ? RUNS - 1 : 0
SHOWN = present(SUMMARY)
N = words(SHOWN) > 0 ? words(SHOWN) : 1
WIDTH = N > 1 ? 20 + 380 * N : 600 # the title needs as much
do for [format in "png svg"] {
    eval picture_terminal(format, WIDTH, 470)
    set output RUNDIR."/fig12.".format
    set multiplot layout 1, N margins 0.01, 0.99, 0.01, 0.82 spacing 0.02, 0.02 \
        title "Figure 12. ".CAPTION."\n".sprintf("after the last update, run %d; Algorithm 2 resampled", RUN) \
        font ",12" noenhanced
    eval PICTURE
    do for [m in SHOWN] {
        FILE = samples(RUNDIR, m, word(variants(SUMMARY, m), 1), RUN)
        set title name(m) noenhanced
        if (!strlen(missing(FILE))) {
            plot FILE binary filetype=png with rgbimage
        } else {
            set multiplot next
        }
    }
    unset multiplot
    unset output
}
