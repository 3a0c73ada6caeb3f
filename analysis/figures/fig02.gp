# Figure 2: walkers of Algorithm 2 right after resampling, images of the test set, walkers of PCD.
#
#     gnuplot -c fig02.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv and RUNDIR/images/; writes RUNDIR/fig02.png and RUNDIR/fig02.svg.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "fig02.gp: expected a run directory: gnuplot -c fig02.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
load HERE."images.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error "fig02.gp: ".SUMMARY." cannot be read: run the figure first" }

# PCD as the paper has it if it is there, else another method
array PANELS[3] = ["", RUNDIR."/images/test.png", ""]
array TITLES[3] = ["", "images of the test set", ""]
FIRST = present(SUMMARY)
do for [i = 1:2] {
    m = word(FIRST, i)
    if (!strlen(m)) { continue }
    p = i == 1 ? 1 : 3
    PANELS[p] = samples(RUNDIR, m, word(variants(SUMMARY, m), 1), 0)
    TITLES[p] = name(m).(m eq "jarzynski" ? ", right after resampling" : "")
}

do for [format in "png svg"] {
    eval picture_terminal(format, 1200, 470)
    set output RUNDIR."/fig02.".format
    set multiplot layout 1, 3 margins 0.01, 0.99, 0.01, 0.82 spacing 0.02, 0.02 \
        title "Figure 2. ".CAPTION."\nafter the last update, first run" font ",12" noenhanced
    eval PICTURE
    do for [p = 1:3] {
        set title TITLES[p] noenhanced
        if (strlen(PANELS[p]) && !strlen(missing(PANELS[p]))) {
            plot PANELS[p] binary filetype=png with rgbimage
        } else {
            set multiplot next
        }
    }
    unset multiplot
    unset output
}
