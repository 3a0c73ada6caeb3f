#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# jebm-pack on the committed results: verdicts do not change, every CSV comes back to the byte, and
# what is damaged is refused before anything is removed.
#
#     test_pack.sh JEBM_PACK JEBM_CHECK JEBM_REPORT JEBM_GMM CHECKOUT
set -u
pack=$1 check=$2 report=$3 gmm=$4 checkout=$5
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
export JEBM_SHARE=$checkout
failures=0

fail() {
    printf 'FAILED: %s\n' "$*"
    failures=$((failures + 1))
}

# expect STATUS WORDS COMMAND...: one line on standard error that holds the words
expect() {
    local status=$1 words=$2 found
    shift 2
    "$@" >"$place/out" 2>"$place/err"
    found=$?
    [[ $found == "$status" ]] || fail "$*: status $found, expected $status: $(cat "$place/err")"
    if [[ -n $words ]]; then
        grep -qF -- "$words" "$place/err" || fail "$*: '$(cat "$place/err")' lacks '$words'"
        [[ $(wc -l <"$place/err") == 1 ]] || fail "$*: more than one line"
    fi
}

verdicts() {
    "$check" --results "$1" --claims "$checkout/analysis/claims.ini" --json "$2" >"$place/out" 2>&1 ||
        fail "jebm-check --results $1: $(tail -n 1 "$place/out")"
}

# each trajectory and summary is what its manifest says, by another program
compare_digests() {
    local manifest directory name expected found
    while read -r manifest; do
        directory=${manifest%/*}
        for name in trajectory.csv summary.csv; do
            expected=$(grep -A2 "^    \"$name\": {" "$manifest" | sed -n 's/.*"sha256": "\([0-9a-f]*\)".*/\1/p')
            found=$(sha256sum <"$directory/$name") && found=${found%% *}
            [[ -n $expected && $expected == "$found" ]] || fail "$directory/$name: not as its manifest says"
        done
    done < <(find "$1" -name manifest.json)
}

cp -R "$checkout/results/reference" "$place/one" || exit 1
expect 0 '' "$pack" --unpack --no-figure "$place/one"
compare_digests "$place/one"
[[ -z $(find "$place/one" -name '*.gz') ]] || fail "unpacked, and still there: $(find "$place/one" -name '*.gz')"
verdicts "$place/one" "$place/unpacked.json"
cp -R "$place/one" "$place/two"
expect 0 '' "$pack" "$place/two"
[[ -z $(find "$place/two" -name trajectory.csv -o -name summary.csv) ]] || fail 'packed, and a CSV is still there'
[[ -z $(find "$place/two" -name '*-[12]-walkers.png') ]] || fail 'images of other runs are still there'
[[ -n $(find "$place/two" -name '*-0-walkers.png') ]] || fail 'images of the first run are gone'
verdicts "$place/two" "$place/packed.json"
cmp -s "$place/unpacked.json" "$place/packed.json" || fail 'the verdicts differ'
expect 0 '' "$report" --results "$place/two" --out "$place/report.html"
grep -qF 'id="summary"' "$place/report.html" || fail 'the report of packed results is none'

# a second time changes nothing
cp -R "$place/two" "$place/three"
expect 0 '' "$pack" "$place/three"
diff -r "$place/two" "$place/three" >/dev/null || fail 'packing twice differs from packing once'
expect 0 '' "$pack" --unpack --no-figure "$place/three"
expect 0 '' "$pack" --unpack --no-figure "$place/three"
compare_digests "$place/three"

# pictures are drawn anew
if command -v gnuplot >/dev/null; then
    mkdir "$place/drawn"
    cp -R "$place/two/paper/paper/fig06" "$place/two/paper/paper/fig07" "$place/drawn"
    expect 0 '' "$pack" --unpack "$place/drawn"
    for name in fig06/fig06 fig07/fig07; do
        [[ -s $place/drawn/$name.svg && -s $place/drawn/$name.pdf ]] || fail "$name was not drawn"
    done
    expect 0 '' "$pack" "$place/drawn"
    [[ ! -e $place/drawn/fig06/fig06.svg && ! -e $place/drawn/fig06/fig06.pdf ]] || fail 'vector duplicates are still there'
    [[ -s $place/drawn/fig06/fig06.png ]] || fail 'the PNG is gone'
fi

# a driver does not take a packed run for one that it can draw
expect 0 '' "$gmm" fig14 --scale quick --out "$place/mine" --quiet --no-figure --set iterations=2000 --set runs=1
expect 0 '' "$pack" "$place/mine"
expect 2 'jebm-pack --unpack' "$gmm" fig14 --scale quick --out "$place/mine" --quiet --set iterations=2000 --set runs=1
expect 0 '' "$pack" --unpack --no-figure "$place/mine"
expect 0 '' "$gmm" fig14 --scale quick --out "$place/mine" --quiet --no-figure --set iterations=2000 --set runs=1

# damage
run=$place/two/paper/paper/fig08
head -c 5000 "$run/trajectory.csv.gz" >"$place/cut" && cp "$place/cut" "$run/trajectory.csv.gz"
expect 1 'trajectory.csv.gz: byte' "$check" --results "$place/two" --claims "$checkout/analysis/claims.ini"
expect 1 'trajectory.csv.gz: byte' "$pack" --unpack "$run"
[[ -e $run/trajectory.csv.gz ]] || fail 'the damaged file was removed'
sed -i '2s/,0,/,1,/' "$place/one/paper/paper/fig01/trajectory.csv"
expect 1 'was changed after the run' "$pack" "$place/one/paper/paper/fig01"
[[ -e $place/one/paper/paper/fig01/summary.csv ]] || fail 'a summary was removed beside a changed trajectory'

mkdir "$place/empty"
expect 2 'found no manifest.json' "$pack" "$place/empty"
expect 2 'cannot be listed' "$pack" "$place/nowhere"
expect 2 'expected one directory' "$pack"
expect 2 "expected one of --help" "$pack" --unpak "$place/empty"
expect 0 '' "$pack" --help

((failures == 0)) && echo 'all right'
exit $((failures > 0))
