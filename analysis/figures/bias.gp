# What self-fitting does (docs/BIAS.md): error of the estimated divergence and logit z of the weight of
# the mode at a, against the iteration and, as slopes, against gamma_ab d/N with the derived rates.
#
#     gnuplot -c bias.gp RUNDIR [CAPTION [NAME]]
#
# reads RUNDIR/trajectory.csv and RUNDIR/summary.csv; writes RUNDIR/bias.png, .svg and .pdf, or
# what NAME says instead of bias.
#
# SPDX-License-Identifier: GPL-3.0-or-later
if (ARGC < 1) { exit error "bias.gp: expected a run directory: gnuplot -c bias.gp RUNDIR [CAPTION [NAME]]" }
RUNDIR = ARG1
CAPTION = ARGC > 1 ? ARG2 : ""
NAME = ARGC > 2 ? ARG3 : "bias"
HERE = ARG0
while (strlen(HERE) > 0 && HERE[strlen(HERE):] ne "/") { HERE = HERE[1:strlen(HERE) - 1] }
load HERE."style.gp"
if (!strlen(CAPTION)) { CAPTION = described(RUNDIR) }

DATA = RUNDIR."/trajectory.csv"
SUMMARY = RUNDIR."/summary.csv"
do for [file in "trajectory.csv summary.csv"] {
    if (strlen(missing(RUNDIR."/".file))) {
        exit error "bias.gp: ".RUNDIR."/".file." cannot be read: run the figure first"
    }
}

D = target(RUNDIR, "d", 50)
H = target(RUNDIR, "h", 0.1)
P = target(RUNDIR, "p_star", 0.25)
WALKERS = target(RUNDIR, "walkers", 10000)
GAMMA = target(RUNDIR, "gamma_ab", 0.025)

# the variants of all methods, each with its colour, and those of either method
VARIANTS = ""
PLAIN = ""
LEFT_OUT = ""
LAST = 0
stats SUMMARY using (VARIANTS = with_item(VARIANTS, stringcolumn("variant")), \
    stringcolumn("method") eq "jarzynski" \
        ? (PLAIN = with_item(PLAIN, stringcolumn("variant")), 0) : 0, \
    stringcolumn("method") eq "jarzynski_loo" \
        ? (LEFT_OUT = with_item(LEFT_OUT, stringcolumn("variant")), 0) : 0, \
    LAST = column("step") > LAST ? column("step") : LAST, 0) nooutput
if (!strlen(PLAIN)) { exit error "bias.gp: ".SUMMARY." has no rows of method jarzynski" }
place(v) = VARIANTS[1:strstrt(" ".VARIANTS." ", " ".v." ") - 1]
look(v) = words(place(v)) + 1
FROM = 0.2 * LAST
EVALUATED = has_values(SUMMARY, "jarzynski", "kl_evaluation_mean") ? 1 : 0
REMEDIED = strlen(LEFT_OUT) > 0 ? 1 : 0

shown(v) = v[1:strstrt(v, "=") - 1]." = ".v[strstrt(v, "=") + 1:]
number(v) = real(v[strstrt(v, "=") + 1:])
gamma_of(v) = v[1:9] eq "gamma_ab=" ? number(v) : GAMMA
walkers_of(v) = v[1:8] eq "walkers=" ? number(v) : WALKERS

# docs/BIAS.md: slopes a step, as functions of x = gamma_ab d/N and gamma_ab
held(g, p) = H / (H + (1 - H) * g * p)
log_z_drift(x, g) = -x * (P * held(g, P) + (1 - P) * held(g, 1 - P))
z_drift(x, g) = x * (held(g, P) - held(g, 1 - P))

# A row a method and variant: gamma_ab d/N, then slope and standard error over the runs of
# kl_estimate - kl_exact, kl_evaluation - kl_exact and z, by least squares in each run from FROM on.
slopes(m, v) = system(sprintf("LC_ALL=C awk -F, -v m='%s' -v v='%s' -v from=%.17g -v x=%.17g ", \
        m, v, FROM, gamma_of(v) * D / walkers_of(v)) \
    ."'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } " \
    ."$1 != m || $2 != v || $4 < from { next } " \
    ."{ y[1] = $at[\"kl_estimate\"] - $at[\"kl_exact\"]; " \
    ."e = at[\"kl_evaluation\"] ? $at[\"kl_evaluation\"] : \"nan\"; " \
    ."y[2] = e == \"nan\" ? 0 : e - $at[\"kl_exact\"]; " \
    ."y[3] = $at[\"z\"]; n[$3]++; s[$3] += $4; ss[$3] += $4 * $4; " \
    ."for (i = 1; i <= 3; i++) { sy[i, $3] += y[i]; ssy[i, $3] += $4 * y[i] } } " \
    ."END { line = x; for (i = 1; i <= 3; i++) { k = a = b = 0; for (r in n) if (n[r] > 1) { " \
    ."g = (ssy[i, r] - s[r] * sy[i, r] / n[r]) / (ss[r] - s[r] * s[r] / n[r]); k++; a += g; b += g * g } " \
    ."if (k == 0) exit; e = k > 1 ? (b - a * a / k) / (k - 1) / k : 0; " \
    ."line = line \" \" a / k \" \" (e > 0 ? sqrt(e) : 0) } print line }' \"".DATA."\"")

set print $SLOPES
print "# jarzynski;"
do for [v in PLAIN] { print slopes("jarzynski", v) }
print "\n\n# jarzynski_loo;"
do for [v in LEFT_OUT] { print slopes("jarzynski_loo", v) }
if (!REMEDIED) { print "0 nan nan nan nan nan nan" }
unset print
set print $CELLS
COLUMNS = "step kl_exact_mean kl_estimate_mean kl_evaluation_mean z_mean"
do for [v in PLAIN] { print block(SUMMARY, "jarzynski", "variant", v, COLUMNS) }
do for [v in LEFT_OUT] { print block(SUMMARY, "jarzynski_loo", "variant", v, COLUMNS) }
# gnuplot reads once for an empty list, too, and warns where it finds nothing
if (!REMEDIED) {
    LEFT_OUT = "none"
    print "# jarzynski_loo none;\n0 nan nan nan nan\n\n"
}
unset print
eval BLOCKS
cell(m, v) = m." ".v.";"

XMAX = 0
do for [v in VARIANTS] {
    x = gamma_of(v) * D / walkers_of(v)
    XMAX = x > XMAX ? x : XMAX
}

# The axes are those of the plain weights: a run whose leave-one-out weights fail leaves the panel.
ELOW = 0
EHIGH = 0
ZLOW = log(P / (1 - P))
ZHIGH = ZLOW
do for [v in PLAIN] {
    stats $CELLS index cell("jarzynski", v) using (error = $3 - $2, \
        ELOW = error < ELOW ? error : ELOW, EHIGH = error > EHIGH ? error : EHIGH, \
        ZLOW = $5 < ZLOW ? $5 : ZLOW, ZHIGH = $5 > ZHIGH ? $5 : ZHIGH, 0) nooutput
}
ESPAN = EHIGH > ELOW ? EHIGH - ELOW : 1
ZSPAN = ZHIGH > ZLOW ? ZHIGH - ZLOW : 1
DRIFT = -1e4 * log_z_drift(XMAX, GAMMA)
ZDRIFT = 1e4 * z_drift(XMAX, GAMMA > XMAX * WALKERS / D ? GAMMA : XMAX * WALKERS / D)

do for [format in FORMATS] {
    eval terminal(format, 1450, 900)
    set output RUNDIR."/".NAME.".".format
    set multiplot layout 2, 2 margins 0.07, 0.805, 0.07, 0.855 spacing 0.09, 0.13 \
        title "Self-fitting (docs/BIAS.md), ".CAPTION."\n" \
        ."above: means over the runs; below: least-squares slopes from a fifth of the training on, " \
        ."with standard errors\naxes are those of the plain weights" font ",12" noenhanced
    set xlabel "iteration k" offset 0, 0.4
    set xrange [0:LAST]

    set title "error of the estimated divergence"
    set ylabel "estimate - exact (nats)"
    set yrange [ELOW - 0.1 * ESPAN:EHIGH + 0.2 * ESPAN]
    unset key
    plot 0 ls 90, \
        for [v in PLAIN] $CELLS index cell("jarzynski", v) using 1:($3 - $2) \
            with lines lc rgb colour(look(v)) lw 1.6, \
        for [v in PLAIN] $CELLS index cell("jarzynski", v) using 1:(EVALUATED ? $4 - $2 : NaN) \
            with lines lc rgb colour(look(v)) lw 1.6 dt (1, 3), \
        for [v in LEFT_OUT] $CELLS index cell("jarzynski_loo", v) using 1:($3 - $2) \
            with lines lc rgb colour(look(v)) lw 1.4 dt (6, 4)

    set title "logit of the weight of the mode at a"
    set ylabel "z_k"
    set yrange [ZLOW - 0.1 * ZSPAN:ZHIGH + 0.2 * ZSPAN]
    eval legend_beside(0.815)
    plot log(P / (1 - P)) ls 90 notitle, \
        for [v in PLAIN] $CELLS index cell("jarzynski", v) using 1:5 \
            with lines lc rgb colour(look(v)) lw 1.6 title shown(v), \
        for [v in LEFT_OUT] $CELLS index cell("jarzynski_loo", v) using 1:5 \
            with lines lc rgb colour(look(v)) lw 1.4 dt (6, 4) notitle, \
        keyentry title "in each colour", \
        keyentry with lines lc rgb "#555555" lw 1.6 title "- by the weights", \
        for [i = 1:EVALUATED] keyentry with lines lc rgb "#555555" lw 1.6 dt (1, 3) \
            title "- by an evaluation population", \
        for [i = 1:REMEDIED] keyentry with lines lc rgb "#555555" lw 1.4 dt (6, 4) \
            title "- by leave-one-out weights"

    set xlabel "10^4 {/Symbol g}_{ab} d/N" offset 0, 0.4
    set xrange [0:1.08e4 * XMAX]
    set title "drift of the estimated divergence a step"
    set ylabel "10^4 times the slope (nats a step)"
    set yrange [-1.2 * DRIFT:0.2 * DRIFT]
    unset key
    plot 0 ls 90, \
        1e4 * log_z_drift(x / 1e4, GAMMA) with lines lc rgb "#000000" lw 1, \
        1e4 * log_z_drift(x / 1e4, x / 1e4 * WALKERS / D) with lines lc rgb "#000000" lw 1 dt (6, 4), \
        $SLOPES index "jarzynski;" using (1e4 * $1):(1e4 * $2):(1e4 * $3) \
            with yerrorbars lc rgb colour(1) pt mark(1) ps 1.2, \
        for [i = 1:EVALUATED] $SLOPES index "jarzynski;" using (1e4 * $1):(1e4 * $4):(1e4 * $5) \
            with yerrorbars lc rgb colour(3) pt mark(3) ps 1.2, \
        for [i = 1:REMEDIED] $SLOPES index "jarzynski_loo;" using (1e4 * $1):(1e4 * $2):(1e4 * $3) \
            with yerrorbars lc rgb colour(6) pt mark(6) ps 1.2

    set title "drift of z a step"
    set ylabel "10^4 times the slope"
    set yrange [-0.2 * ZDRIFT:1.5 * ZDRIFT]
    eval legend_beside(0.815)." enhanced"
    plot 0 ls 90 notitle, \
        1e4 * z_drift(x / 1e4, GAMMA) with lines lc rgb "#000000" lw 1 title "derived, N varied", \
        1e4 * z_drift(x / 1e4, x / 1e4 * WALKERS / D) with lines lc rgb "#000000" lw 1 dt (6, 4) \
            title "derived, {/Symbol g}_{ab} varied", \
        $SLOPES index "jarzynski;" using (1e4 * $1):(1e4 * $6):(1e4 * $7) \
            with yerrorbars lc rgb colour(1) pt mark(1) ps 1.2 \
            title "by the weights", \
        for [i = 1:EVALUATED] keyentry with points lc rgb colour(3) pt mark(3) ps 1.2 \
            title "by an evaluation population", \
        for [i = 1:REMEDIED] $SLOPES index "jarzynski_loo;" using (1e4 * $1):(1e4 * $6):(1e4 * $7) \
            with yerrorbars lc rgb colour(6) pt mark(6) ps 1.2 title "by leave-one-out weights"
    unset multiplot
    unset output
}
