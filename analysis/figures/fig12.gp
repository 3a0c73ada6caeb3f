# Figure 12: walkers of every method after the last update.
#
#     gnuplot -c fig12.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv and RUNDIR/images/; writes RUNDIR/fig12.png, .svg and .pdf.
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

# the last run that left its images: Figures 2 and 11 show the first
file(m, run) = samples(RUNDIR, m, word(variants(SUMMARY, m), 1), run)
FOUND = present(SUMMARY)
RUN = 0
do for [run = 1:int(field(RUNDIR, "runs")) - 1] {
    RUN = strlen(FOUND) && !strlen(missing(file(word(FOUND, 1), run))) ? run : RUN
}
SHOWN = ""
do for [m in FOUND] { if (!strlen(missing(file(m, RUN)))) { SHOWN = with_item(SHOWN, m) } }
N = words(SHOWN)
if (N == 0) { exit error "fig12.gp: ".RUNDIR."/images has none of the pictures: run the figure first" }
WIDTH = N > 1 ? 20 + 380 * N : 700 # the title needs as much
do for [format in FORMATS] {
    eval picture_terminal(format, WIDTH, 470)
    set output RUNDIR."/fig12.".format
    set multiplot layout 1, N margins 0.01, 0.99, 0.01, 0.82 spacing 0.02, 0.02 \
        title "Figure 12. Walkers of every method, ".CAPTION."\n" \
        .sprintf("after the last update, run %d; Algorithm 2 resampled", RUN + 1) font ",12" noenhanced
    eval PICTURE
    do for [m in SHOWN] {
        set title name(m) noenhanced
        plot file(m, RUN) binary filetype=png with rgbimage
    }
    unset multiplot
    unset output
}
