# Cost of the resampling schemes against the number of walkers, from bench_resample's CSV.
#
#     gnuplot -c benchmarks/resample.gp FILE.csv        writes FILE.png and FILE.svg
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC != 1) { exit error "resample.gp: expected a file: gnuplot -c resample.gp FILE.csv" }
DATA = ARG1
BASE = DATA[1:strlen(DATA) - 4]
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."../analysis/figures/style.gp"
if (strlen(missing(DATA))) { exit error "resample.gp: ".DATA." cannot be read: run bench_resample first" }

SCHEMES = ""
THREADS = 0
stats DATA using (stringcolumn("scheme") eq "-" ? 0 : (SCHEMES = with_item(SCHEMES, stringcolumn("scheme")), 0), \
    THREADS = column("threads")) nooutput
# rows of one curve, so that its points are joined
rows(scheme, what) = sprintf("< awk -F, 'NR == 1 || ($1 == \"%s\" && $2 == \"%s\")' '%s'", scheme, what, DATA)

set logscale xy
set xlabel "walkers N (d = 50 up to 10^6, d = 1 beyond)"
set ylabel "ns per walker, median of the repeats"
set key outside right top
do for [format in "png svg"] {
    eval terminal(format, 1500, 560)
    set output BASE.".".format
    set multiplot layout 1, 2 title sprintf("Cost of resampling, %d threads", THREADS) font ",12"
    set title "choosing the copies"
    plot for [i = 1:words(SCHEMES)] rows(word(SCHEMES, i), "choose") using "n":"ns_median" \
        with linespoints lc rgb colour(i) lw 1.6 dt i pt mark(i) title word(SCHEMES, i)
    set title "the whole step, and memcpy of all walkers"
    plot for [i = 1:words(SCHEMES)] rows(word(SCHEMES, i), "resample") using "n":"ns_median" \
        with linespoints lc rgb colour(i) lw 1.6 dt i pt mark(i) title word(SCHEMES, i), \
        rows("-", "memcpy") using "n":"ns_median" with lines ls 90 title "memcpy"
    unset multiplot
    unset output
}
