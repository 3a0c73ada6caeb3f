# What Jarzynski weights cost over PCD: time of an iteration of one over the other by N/N' and ULA
# steps, an energy a panel (above), and where an iteration of Algorithm 2 goes (below).
#
#     gnuplot -c overhead.gp RUNDIR [CAPTION]
#
# reads RUNDIR/summary.csv; writes RUNDIR/overhead.png, .svg and .pdf.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "overhead.gp: expected a run directory: gnuplot -c overhead.gp RUNDIR [CAPTION]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"

SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error "overhead.gp: ".SUMMARY." cannot be read: run the figure first" }
if (!strlen(CAPTION)) {
    CAPTION = strlen(missing(RUNDIR."/manifest.json")) ? "" \
        : sprintf("scale %s, clock: %s, %s threads of %s, runs: %s", field(RUNDIR, "scale"), \
            field(RUNDIR, "clock"), field(RUNDIR, "threads"), field(RUNDIR, "cpu"), field(RUNDIR, "runs"))
}

# of the last step's rows: energy, M, N/N', ratio (mean, least, most), ratio_parts, and the parts in
# percent of the iteration, summed up; a blank line between two M, so that curves break there
PARTS = "drift gradient noise last weights settle resample"
LABELS = "drift (grad_x U)|theta gradients|noise|evaluation at the last place|weights|energies of walkers at rest|resampling"
$ROWS << EOD
EOD
set print $ROWS
print system("LC_ALL=C awk -F, -v parts='".PARTS."' '" \
    ."NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = split(parts, part, \" \"); next } " \
    ."{ line[NR] = $0; if ($at[\"step\"] + 0 > last) last = $at[\"step\"] + 0 } " \
    ."END { for (r = 2; r <= NR; r++) { split(line[r], v, \",\"); if (v[at[\"step\"]] + 0 != last) continue; " \
    ."split(v[at[\"variant\"]], s, /[=:]/); cell = v[at[\"method\"]] \" \" s[4]; " \
    ."if (cell != before && before != \"\") print \"\"; before = cell; " \
    ."printf \"%s %s %s %s %s %s\", cell, s[2], v[at[\"ratio_median_mean\"]], v[at[\"ratio_median_min\"]], " \
    ."v[at[\"ratio_median_max\"]], v[at[\"ratio_parts_mean\"]]; sum = 0; " \
    ."for (i = 1; i <= n; i++) { sum += 100 * v[at[part[i] \"_mean\"]] / v[at[\"jarzynski_mean\"]]; printf \" %s\", sum } " \
    ."print \"\" } }' \"".SUMMARY."\"")
set print

eval BLOCKS
ENERGIES = ""
STEPS = ""
stats $ROWS using (ENERGIES = with_item(ENERGIES, strcol(1)), STEPS = with_item(STEPS, strcol(2)), 0) nooutput
N = words(ENERGIES)

# one bar a cell of the largest N/N', its place and its name
MOST = 0
stats $ROWS using (column(3) > MOST ? MOST = column(3) : 0, 0) nooutput
BARS = 0
TICS = ""
stats $ROWS using (column(3) == MOST ? (BARS = BARS + 1, \
    TICS = TICS.(BARS > 1 ? ", " : "").sprintf("'%s, M = %s' %d", strcol(1), strcol(2), BARS), 0) : 0, 0) nooutput
NAMES = "gmm mnist cifar32 cifar64"
FULL = "mixture, d = 50|MNIST network|CIFAR-10 network, 32 features|CIFAR-10 network, 64 features"
item(list, i) = system("printf '%s' '".list."' | cut -d'|' -f".i)
full(name) = sum_index(name) > 0 ? item(FULL, sum_index(name)) : name
sum_index(name) = (found = 0, found = name eq word(NAMES, 1) ? 1 : name eq word(NAMES, 2) ? 2 \
    : name eq word(NAMES, 3) ? 3 : name eq word(NAMES, 4) ? 4 : 0)

do for [format in FORMATS] {
    eval terminal(format, 1500, 900)
    set output RUNDIR."/overhead.".format
    set multiplot title "Price of Jarzynski weights. ".CAPTION."\n" \
        ."means over the runs, bars: least and largest; dotted: 36 h / 34 h, as the paper has it" \
        font ",12" noenhanced

    set tmargin at screen 0.83
    set bmargin at screen 0.52
    set logscale x 2
    set xlabel "N / N'" offset 0, 0.4
    set xrange [0.8:1.25 * MOST]
    set yrange [0.95:1.08<*]
    do for [e = 1:N] {
        name = word(ENERGIES, e)
        set lmargin at screen 0.05 + 0.95 * (e - 1) / N + (e > 1 ? 0.02 : 0.0)
        set rmargin at screen 0.95 * e / N + 0.03
        set title full(name) noenhanced
        set ylabel e == 1 ? "iteration, Algorithm 2 over PCD" : ""
        if (e == 1) { set key at screen 0.5, 0.9 center horizontal maxrows 1 } else { unset key }
        set arrow 1 from graph 0, first 1.06 to graph 1, first 1.06 nohead ls 91
        plot for [i = 1:words(STEPS)] $ROWS \
            using (strcol(1) eq name && strcol(2) eq word(STEPS, i) ? column(3) : NaN):4:5:6 \
            with yerrorlines lc rgb colour(i) lw 1.6 pt mark(i) ps 0.9 title "M = ".word(STEPS, i), \
            for [i = 1:words(STEPS)] $ROWS \
            using (strcol(1) eq name && strcol(2) eq word(STEPS, i) ? column(3) : NaN):7 \
            with lines lc rgb colour(i) lw 1.0 dt 3 title i == 1 ? "by the parts" : ""
        unset arrow 1
    }
    unset logscale x
    set key default font ",10" samplen 2.5 spacing 0.95

    set lmargin at screen 0.05
    set rmargin at screen 0.98
    set tmargin at screen 0.40
    set bmargin at screen 0.12
    set title sprintf("where an iteration of Algorithm 2 goes, N/N' = %g: parts timed apart, the rest is copying and the optimizer", MOST)
    set ylabel "percent"
    set xlabel ""
    set yrange [0:*]
    set xrange [0.4:BARS + 0.6]
    eval "set xtics rotate by -20 (".TICS.")"
    set key outside bottom center horizontal
    set style fill solid 0.75 border lc rgb "#FFFFFF"
    set boxwidth 0.7
    # the highest sum first, the lower ones before it
    plot for [i = words(PARTS):1:-1] at = 0, $ROWS \
        using (at = at + (column(3) == MOST ? 1 : 0), column(3) == MOST ? at : NaN):(column(7 + i)) \
        with boxes lc rgb colour(i) title item(LABELS, i)
    unset multiplot
    unset output
    set xtics norotate autofreq
}
