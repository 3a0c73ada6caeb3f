#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every claim has an answer at each of its scales, from the presets alone: nothing is run.
#
#     test_claim_plans.sh ROOT JEBM_CHECK DRIVER...
set -eu
root=$1 check=$2
shift 2
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export JEBM_SHARE=$root
plans=()
for driver in "$@"; do
    "$driver" --plan >"$place/$(basename "$driver")"
    plans+=(--plan "$place/$(basename "$driver")")
done
"$check" --claims "$root/analysis/claims.ini" "${plans[@]}"

# and it would be seen: step 1600 is beyond the end of bias-start at a small scale
sed 's/0\.4K, K/1600, K/g' "$root/analysis/claims.ini" >"$place/claims.ini"
status=0
"$check" --claims "$place/claims.ini" "${plans[@]}" >"$place/out" 2>&1 || status=$?
if [ "$status" -ne 2 ] || ! grep -q '^start-lz/.* recorded steps from 1600 to ' "$place/out"; then
    echo "a claim that no small scale can answer was not seen: status $status" >&2
    cat "$place/out" >&2
    exit 1
fi
