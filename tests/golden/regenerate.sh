#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Write the golden CSVs anew from a build: tests/golden/regenerate.sh BUILD_DIRECTORY
# Do this only for a change of the numerics that is meant, look at the diff, and say in the commit
# which columns moved, by how much, and why.
set -eu
if [ $# -ne 1 ] || [ ! -x "$1/replications/gmm/jebm-gmm" ]; then
    echo "usage: $0 BUILD_DIRECTORY (one that holds replications/gmm/jebm-gmm)" >&2
    exit 2
fi
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# the same kernels wherever this is run
JEBM_ISA=baseline
JEBM_SHARE=$here/../..
export JEBM_ISA JEBM_SHARE
grep -v '^#' "$here/cases" | while read -r name figure arguments; do
    # shellcheck disable=SC2086 # arguments are words
    "$build/replications/gmm/jebm-gmm" "$figure" $arguments --no-figure --quiet \
        --out "$scratch/$name" >/dev/null
    cp "$scratch/$name/$figure/trajectory.csv" "$here/$name.csv"
    echo "$here/$name.csv"
done
