# Shared by the figures; each begins with
#     load THIS_DIRECTORY."style.gp"
# after it has kept its arguments, which `load` hides.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set encoding utf8
set datafile separator comma
set datafile columnheaders
set datafile missing "nan"

# Okabe and Ito's colours, which colour-blind readers tell apart; dash and mark differ as well, so
# that the figures survive a black-and-white printer. 1-5 thresholds, lags or runs, 6 PCD, 7 CD.
COLOURS = "#0072B2 #E69F00 #009E73 #CC79A7 #56B4E9 #D55E00 #000000"
MARKS = "6 4 8 10 12 2 1"
colour(i) = word(COLOURS, (i - 1) % 7 + 1)
mark(i) = int(word(MARKS, (i - 1) % 7 + 1))

set grid back lc rgb "#DDDDDD" lw 0.5 dt 1
set border 3 lw 0.8
set tics nomirror
set autoscale xfix
set style fill transparent solid 0.18 noborder
set key font ",10" samplen 2.5 spacing 0.95

# the target: a heavy dashed line behind the curves
set style line 90 lc rgb "#555555" lw 1.6 dt (8, 6)
# a threshold
set style line 91 lc rgb "#000000" lw 0.9 dt (2, 3)

# stop with one line where a file is missing; "" otherwise
missing(file) = system("test -r \"".file."\" || echo missing") eq "missing" ? file : ""

# the distinct words of a list
has(list, item) = strstrt(" ".list." ", " ".item." ") > 0
with_item(list, item) = has(list, item) ? list : (strlen(list) ? list." ".item : item)

# what a manifest says under a key
field(dir, key) = system("sed -n 's/^ *\"".key."\": *\"\\{0,1\\}\\([^\",]*\\).*/\\1/p' \"".dir."/manifest.json\" 2>&1 | head -n 1")

# The caption where none is given: after what the run was made, its size, and what was set by hand.
follows(fidelity) = fidelity eq "paper" ? "after the paper's text" \
    : fidelity eq "code" ? "after the released script" : fidelity
counted(n, noun) = n eq "1" ? "1 ".noun : n." ".noun."s"
by_hand(dir) = system("LC_ALL=C awk '/^  \"overrides\": \\[$/ { inside = 1; next } inside && /^  \\]/ { exit } " \
    ."inside { gsub(/^ *\"|\",? *$/, \"\"); if ($0 !~ /^(runs|record_)/) printf \", %s\", $0 }' \"".dir."/manifest.json\"")
# what too small a scale is for
unanswered(dir) = field(dir, "shows") ne "machinery" ? "" : " (shows that the machinery works" \
    .(strlen(field(dir, "answered_by")) ? "; scale ".field(dir, "answered_by")." answers)" : ")")
described(dir) = strlen(missing(dir."/manifest.json")) ? "" \
    : sprintf("%s, scale %s: %s%s%s", follows(field(dir, "fidelity")), field(dir, "scale"), \
        strlen(field(dir, "walkers")) ? counted(field(dir, "walkers"), "walker").", " : "", \
        counted(field(dir, "runs"), "run"), by_hand(dir)).unanswered(dir)

# the target that a run had; where there is no manifest, Section B.1's
target(dir, key, b1) = strlen(missing(dir."/manifest.json")) || !strlen(field(dir, key)) \
    ? b1 : real(field(dir, key))

# the paper's names of the methods
ALGORITHM_1 = "Algorithm 1 (Jarzynski)"
ALGORITHM_2 = "Algorithm 2 (Jarzynski, mini-batches)"

# the smaller and the larger of two; one that is undefined does not count
least(a, b) = a < b ? a : b == b ? b : a
most(a, b) = a > b ? a : b == b ? b : a

# column c in the rows of a method and variant, undefined in the others
pick(m, v, c) = stringcolumn("method") eq m && stringcolumn("variant") eq v ? column(c) : NaN

# whether a column is there and has a value in a row of a method (any variant): columns came in over
# time, and what does not apply is nan
has_values(file, m, c) = system("LC_ALL=C awk -F, -v m='".m."' -v c='".c."' " \
    ."'NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) at = i } " \
    ."NR > 1 && at && $1 == m && $at != \"nan\" { print \"yes\"; exit }' \"".file."\"") eq "yes"

# The columns named in the rows of a method with a label (column `variant` or `run`), as a block that
# plots find in a datablock by index "METHOD LABEL;": for figures of many curves, each of which would
# otherwise read the whole file. gnuplot compares the beginning of a name, hence its last mark.
block(file, m, column, label, names) = system("LC_ALL=C awk -F, -v m='".m."' -v column='".column."' " \
    ."-v label='".label."' -v names='".names."' 'BEGIN { print \"# \" m \" \" label \";\" } " \
    ."NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = split(names, c, \" \"); next } " \
    ."$1 == m && $at[column] == label { for (i = 1; i <= n; i++) " \
    ."printf \"%s \", c[i] in at ? $at[c[i]] : \"nan\"; print \"\" }' \"".file."\"")."\n\n\n"
BLOCKS = "set datafile separator whitespace; set datafile nocolumnheaders; unset datafile missing"

# long trainings count in thousands: the unit of the axis, and its label
unit(last) = last >= 10000 ? 1000.0 : 1.0
iterations(last) = last >= 10000 ? "iteration k / 1000" : "iteration k"

# The divergence spans decades, but its estimate, and on the training data even its exact value, may
# fall below zero: an axis that is linear near zero and logarithmic beyond shows both.
DIVERGENCE_LABEL = "nats (axis linear near 0)"
DIVERGENCE_AXIS = "set nonlinear y via asinh(y/0.02) inverse 0.02*sinh(y);" \
    ."set ytics (-10, -1, -0.1, 0, 0.1, 1, 10, 100)"
PLAIN_AXIS = "unset nonlinear y; set ytics autofreq"

# Each figure is written in these formats; WIDTH and HEIGHT are pixels. A PDF has 96 of them to an inch.
FORMATS = "png svg pdf"
terminal(format, width, height) = format eq "png" \
    ? sprintf("set terminal pngcairo size %d,%d enhanced font 'sans,11'", width, height) : format eq "pdf" \
    ? sprintf("set terminal pdfcairo size %.4fin,%.4fin enhanced font 'sans,11' fontscale 0.75", \
        width / 96.0, height / 96.0) \
    : sprintf("set terminal svg size %d,%d enhanced font 'sans,11' background '#FFFFFF'", width, height)

# One legend for all panels, beside the last one, where no curve is: it begins at x of the width.
legend_beside(x) = sprintf("set key at screen %g, graph 1 left top vertical Left reverse noenhanced", x)
