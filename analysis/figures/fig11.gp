# Figure 11: walkers in the order of their weights, each with its weight; the walkers before and after
# resampling.
#
#     gnuplot -c fig11.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv and RUNDIR/images/; writes RUNDIR/fig11.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig11.gp: expected a run directory: gnuplot -c fig11.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
load HERE."images.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error "fig11.gp: ".SUMMARY." cannot be read: run the figure first" }

VARIANT = word(variants(SUMMARY, "jarzynski"), 1)
if (!strlen(VARIANT)) { exit error "fig11.gp: ".SUMMARY." has no rows of method jarzynski" }
file(kind) = grid(RUNDIR, "jarzynski", VARIANT, 0, kind)
KINDS = ""
do for [kind in "weights walkers resampled"] {
    if (!strlen(missing(file(kind)))) { KINDS = with_item(KINDS, kind) }
}
N = words(KINDS)
if (N == 0) { exit error "fig11.gp: ".RUNDIR."/images has none of the pictures: run the figure first" }
said(kind) = kind eq "weights" ? "N times the weight, rising" : kind eq "walkers" ? "before resampling" \
    : "after resampling"
do for [format in FORMATS] {
    eval picture_terminal(format, N > 1 ? 400 * N : 700, 570)
    set output RUNDIR."/fig11.".format
    set multiplot layout 1, N margins 0.01, 0.99, 0.02, 0.84 spacing 0.02, 0.02 \
        title "Figure 11. Weights and resampling, ".CAPTION."\nAlgorithm 2 after the last update, first run" \
        font ",12" noenhanced
    eval PICTURE
    do for [kind in KINDS] {
        set title said(kind) noenhanced
        plot file(kind) binary filetype=png with rgbimage
    }
    unset multiplot
    unset output
}
