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
        : sprintf("scale %s: %s, %s threads of %s, %s runs", field(RUNDIR, "scale"), \
            field(RUNDIR, "clock") eq "wall" ? "time that passes" : "processor time", \
            field(RUNDIR, "threads"), field(RUNDIR, "cpu"), field(RUNDIR, "runs"))
}

# of the last step's rows: energy, M, N/N', ratio (mean, ends of the intervals), ratio_parts, and the
# parts in percent of the iteration, summed up; a blank line between two M, so that curves break there.
# Where the machine was too busy to time the parts they are nan, and nothing is drawn of them.
PARTS = "drift noise gradient copy update last weights settle resample"
LABELS = "drift (grad_x U)|noise|theta gradients|copying the mini-batch|adding gradients, optimizer|evaluation at the last place|weights|energies of walkers at rest|resampling"
PARTCOLOURS = "#0072B2 #56B4E9 #009E73 #BBBBBB #777777 #E69F00 #D55E00 #CC79A7 #000000"
$ROWS << EOD
EOD
set print $ROWS
print system("LC_ALL=C awk -F, -v parts='".PARTS."' '" \
    ."NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = split(parts, part, \" \"); next } " \
    ."{ line[NR] = $0; if ($at[\"step\"] + 0 > last) last = $at[\"step\"] + 0 } " \
    ."END { for (r = 2; r <= NR; r++) { split(line[r], v, \",\"); if (v[at[\"step\"]] + 0 != last) continue; " \
    ."split(v[at[\"variant\"]], s, /[=:]/); cell = v[at[\"method\"]] \" \" s[4]; " \
    ."if (cell != before && before != \"\") print \"\"; before = cell; " \
    ."printf \"%s %s %s %s %s %s\", cell, s[2], v[at[\"ratio_median_mean\"]], v[at[\"ratio_low_min\"]], " \
    ."v[at[\"ratio_high_max\"]], v[at[\"ratio_parts_mean\"]]; sum = 0; " \
    ."for (i = 1; i <= n; i++) { p = v[at[part[i] \"_mean\"]]; if (p == \"nan\") { printf \" nan\"; continue } " \
    ."sum += 100 * p / v[at[\"jarzynski_mean\"]]; printf \" %s\", sum } " \
    ."print \"\" } }' \"".SUMMARY."\"")
set print

eval BLOCKS
ENERGIES = ""
STEPS = ""
stats $ROWS using (ENERGIES = with_item(ENERGIES, strcol(1)), STEPS = with_item(STEPS, strcol(2)), 0) nooutput
STEPS = system("printf '%s\\n' ".STEPS." | sort -n | tr '\\n' ' '")
N = words(ENERGIES)

# one bar a cell of the largest N/N', its place and its name
MOST = 0
HIGHEST = 1.08
stats $ROWS using (column(3) > MOST ? MOST = column(3) : 0, column(6) > HIGHEST ? HIGHEST = column(6) : 0, 0) nooutput
# columns 8 to 16 are the parts
timed(dummy) = column(3) == MOST && valid(16) && column(16) == column(16)
BARS = 0
TICS = ""
stats $ROWS using (timed(0) ? (BARS = BARS + 1, \
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
    set multiplot title "What Jarzynski weights cost over PCD, ".CAPTION."\n" \
        ."means over the runs; bars: from the lowest to the highest end of their 95 % intervals; dashes: the paper's 36 h / 34 h" \
        font ",12" noenhanced

    set tmargin at screen 0.83
    set bmargin at screen 0.52
    set logscale x 2
    set xlabel "N / N'" offset 0, 0.4
    set xrange [0.8:1.25 * MOST]
    set yrange [0.95:HIGHEST + 0.01]
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
            with lines lc rgb colour(i) lw 1.0 dt 3 title i == 1 && BARS > 0 ? "by the parts" : ""
        unset arrow 1
    }
    unset logscale x

    set lmargin at screen 0.05
    set rmargin at screen 0.80
    set tmargin at screen 0.40
    set bmargin at screen 0.12
    set title BARS > 0 \
        ? sprintf("where an iteration of Algorithm 2 goes, N/N' = %g: parts timed apart", MOST) \
        : "the machine was too busy to say where an iteration of Algorithm 2 goes"
    set ylabel "percent"
    set xlabel ""
    set yrange [0:110]
    set xrange [0.4:(BARS > 0 ? BARS : 1) + 0.6]
    eval "set xtics ".(BARS > 6 ? "rotate by -20 " : "")."(".TICS.")"
    set key default font ",10" samplen 2.5 spacing 0.95
    eval legend_beside(0.815)
    set style fill solid 1.0 noborder
    set boxwidth 0.6
    # the highest sum first, the lower ones before it
    if (BARS > 0) {
        plot for [i = words(PARTS):1:-1] at = 0, $ROWS \
            using (timed(0) ? (at = at + 1, at) : NaN):(column(7 + i)) \
            with boxes lc rgb word(PARTCOLOURS, i) title item(LABELS, i)
    } else {
        unset key
        plot NaN notitle
    }
    unset multiplot
    unset output
    set xtics norotate autofreq
}
