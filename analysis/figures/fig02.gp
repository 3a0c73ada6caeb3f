# Figure 2: walkers of Algorithm 2 right after resampling, images of the test set, walkers of PCD.
#
#     gnuplot -c fig02.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv and RUNDIR/images/; writes RUNDIR/fig02.png, .svg and .pdf.
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

# PCD as the paper has it if it is there, else another method; what left no images has no panel
SHOWN = present(SUMMARY)
array FILES[3]
array TITLES[3]
N = 0
add(file, title) = strlen(file) && !strlen(missing(file)) \
    ? (N = N + 1, FILES[N] = file, TITLES[N] = title, 0) : 0
of(m) = strlen(m) ? samples(RUNDIR, m, word(variants(SUMMARY, m), 1), 0) : ""
said(m) = strlen(m) ? name(m).(m eq "jarzynski" ? ", right after resampling" : "") : ""
nothing = add(of(word(SHOWN, 1)), said(word(SHOWN, 1)))
nothing = add(RUNDIR."/images/test.png", "images of the test set")
nothing = add(of(word(SHOWN, 2)), said(word(SHOWN, 2)))
if (N == 0) { exit error "fig02.gp: ".RUNDIR."/images has none of the pictures: run the figure first" }

do for [format in FORMATS] {
    eval picture_terminal(format, N > 1 ? 400 * N : 600, 470)
    set output RUNDIR."/fig02.".format
    set multiplot layout 1, N margins 0.01, 0.99, 0.01, 0.82 spacing 0.02, 0.02 \
        title "Figure 2. Walkers and images, ".CAPTION."\nafter the last update, first run" font ",12" noenhanced
    eval PICTURE
    do for [p = 1:N] {
        set title TITLES[p] noenhanced
        plot FILES[p] binary filetype=png with rgbimage
    }
    unset multiplot
    unset output
}
