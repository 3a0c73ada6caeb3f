# What the studies of jebm-mnist share: their variants as blocks, four quantities each. Whoever loads
# this (after style.gp and images.gp) sets NAME and RUNDIR, and QUANTITIES and LABELS where it has others.
#
# SPDX-License-Identifier: GPL-3.0-or-later
SUMMARY = RUNDIR."/summary.csv"
if (strlen(missing(SUMMARY))) { exit error NAME.".gp: ".SUMMARY." cannot be read: run the figure first" }
VARIANTS = variants(SUMMARY, "jarzynski")
M = words(VARIANTS)
if (M == 0) { exit error NAME.".gp: ".SUMMARY." has no rows of method jarzynski" }
LAST = 0
stats SUMMARY using (LAST = column("step") > LAST ? column("step") : LAST, 0) nooutput
UNIT = unit(LAST)
if (!exists("QUANTITIES")) {
    QUANTITIES = "cross_entropy ess_min error_max confidence"
    LABELS = "'cross-entropy by the weights (nats)' 'smallest ESS since the row before' " \
        ."'largest relative error of a mass' 'confidence of the classifier'"
}
set print $CELLS
do for [v in VARIANTS] {
    columns = "step"
    do for [q in QUANTITIES] { columns = columns." ".q."_mean ".q."_min ".q."_max" }
    print block(SUMMARY, "jarzynski", "variant", v, columns)
}
unset print
eval BLOCKS
cell(i) = "jarzynski ".word(VARIANTS, i).";"
dash(i) = int((i - 1) / 7) + 1

# the cross-entropy of a run that goes astray spans decades
WIDE_AXIS = "set nonlinear y via asinh(y/500) inverse 500*sinh(y);" \
    ."set ytics (-1e6, -1e5, -1e4, -1000, -300, 0, 300, 1000, 1e4, 1e5, 1e6)"
