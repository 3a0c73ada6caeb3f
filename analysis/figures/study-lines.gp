# Draws what study.gp has read: a panel a quantity, a line a variant. Takes TITLE and CAPTION besides.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set xlabel iterations(LAST) offset 0, 0.4
do for [format in FORMATS] {
    eval terminal(format, 1500, 860)
    set output RUNDIR."/".NAME.".".format
    set multiplot layout 2, 2 margins 0.055, 0.83, 0.07, 0.88 spacing 0.07, 0.13 \
        title TITLE.", ".CAPTION."\nlines: mean over the runs; bands: smallest to largest run" \
        font ",12" noenhanced
    do for [p = 1:4] {
        set title word(LABELS, p)
        set ylabel ""
        if (p == 2) { eval legend_beside(0.84) } else { unset key }
        c = 3 * p - 1
        plot for [i = 1:M] $CELLS index cell(i) using ($1 / UNIT):(column(c + 1)):(column(c + 2)) \
                with filledcurves fc rgb colour(i) fs transparent solid (M > 8 ? 0.0 : 0.15) notitle, \
            for [i = 1:M] $CELLS index cell(i) using ($1 / UNIT):(column(c)) \
                with lines lc rgb colour(i) lw 1.6 dt dash(i) title word(VARIANTS, i)
    }
    unset multiplot
    unset output
}
