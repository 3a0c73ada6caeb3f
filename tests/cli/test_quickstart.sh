#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ./reproduce as a newcomer runs it: the real one, in a clean clone, every figure at scale smoke. What
# is not committed is not seen. There is no network: the data are those of $JEBM_DATA if that is set;
# else strokes stand for MNIST, and the clone takes them for the published files.
#
#     test_quickstart.sh CHECKOUT MAKE_DIGITS
set -u
checkout=$1 make_digits=$(readlink -f -- "$2")
if ! git -C "$checkout" rev-parse HEAD >/dev/null 2>&1; then
    echo "skipped: $checkout is no git checkout, so there is nothing to clone"
    exit 77
fi
for needed in gnuplot meson ninja; do
    command -v "$needed" >/dev/null || { echo "skipped: there is no $needed here" && exit 77; }
done
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
top="$place/a clone" out=$place/out text=$place/text failures=0

fail() {
    printf 'FAILED: %s\n' "$*"
    failures=$((failures + 1))
}

# says WORDS: does the last call's output hold them?
says() { grep -qF -- "$1" "$text" || fail "expected '$1' in:
$(<"$text")"; }

# reproduce STATUS OPTION...: one call, from another directory
reproduce() {
    local wanted=$1 status
    shift
    "$top/reproduce" --scale smoke --no-install "$@" >"$text" 2>&1 </dev/null
    status=$?
    [[ $status == "$wanted" ]] || fail "reproduce $*: exit $status, expected $wanted:
$(<"$text")"
}

# digests DIR: of everything that a run leaves there
digests() { (cd "$1" && find . -mindepth 2 -type f ! -name times -exec sha256sum {} + | sort -k 2); }

git clone -q "$checkout" "$top" || exit 1
cd "$place" || exit 1
# whoever would use the network finds none
mkdir "$place/bin"
for name in curl wget npm; do
    printf '#!/bin/sh\nexit 7\n' >"$place/bin/$name"
    chmod +x "$place/bin/$name"
done
export PATH=$place/bin:$PATH XDG_CACHE_HOME=$place/cache
unset JEBM_SHARE JEBM_ISA
if [[ -z ${JEBM_DATA:-} ]]; then
    export JEBM_DATA=$place/data
    mkdir -p "$JEBM_DATA/mnist" && "$make_digits" "$JEBM_DATA/mnist" || exit 1
    sed -i 's/^\[mnist\]$/&\nverify = no/' "$top/replications/mnist/presets/mnist.ini"
    cat >"$top/scripts/fetch-data" <<'END'
#!/bin/sh
[ -e "$JEBM_DATA/mnist/train-images-idx3-ubyte" ]
END
fi

# ---- interrupted in the middle of a figure, then to the end --------------------------------------

"$top/reproduce" --scale smoke --no-install --out "$out" >"$text" 2>&1 </dev/null &
script=$!
for ((i = 0; i < 6000; i++)); do
    [[ ! -e $out/smoke/paper/mnist/manifest.json ]] || break
    kill -0 "$script" 2>/dev/null || break
    sleep 0.1
done
sleep 0.3
kill -TERM "$script"
wait "$script"
status=$?
[[ $status == 143 ]] || fail "SIGTERM: exit $status, expected 143:
$(<"$text")"
says 'interrupted at mnist'
says 'call it again to go on'
[[ ! -e $out/verdicts.json && ! -e $out/report.html ]] || fail 'SIGTERM: claims were judged'

reproduce 0 --out "$out"
says 'are complete already'
says "report             $out/report.html"
cp "$text" "$place/whole"
build=$top/build-release
"$build/replications/mnist/jebm-mnist" mnist --scale smoke --quiet --no-figure --out "$place/whole-run" >"$text" 2>&1 ||
    fail "$(<"$text")"
for name in trajectory.csv summary.csv samples-jarzynski-c=1-0.csv images/pcd-1-walkers.png; do
    cmp "$out/smoke/paper/mnist/$name" "$place/whole-run/mnist/$name" ||
        fail "$name of an interrupted run is not that of an uninterrupted one"
done

# ---- everything is there -------------------------------------------------------------------------

figures=0
for driver in replications/gmm/jebm-gmm replications/resampling/jebm-resampling \
    replications/resampling/jebm-schemes replications/mnist/jebm-mnist benchmarks/jebm-overhead; do
    while read -r figure scales fidelities title; do
        [[ $scales == smoke,* ]] || fail "$figure has no scale smoke"
        pictures=$figure
        # the pictures of others stand in the last parentheses of a line that ends with some
        [[ $title != *'(fig'*')' ]] || pictures=${title##*\(} pictures=${pictures%\)}
        for fidelity in ${fidelities//,/ }; do
            for picture in $pictures; do
                for suffix in png svg; do
                    [[ -s $out/smoke/$fidelity/$figure/$picture.$suffix ]] ||
                        fail "there is no smoke/$fidelity/$figure/$picture.$suffix"
                done
                figures=$((figures + 1))
            done
            grep -q '"complete": true' "$out/smoke/$fidelity/$figure/manifest.json" ||
                fail "smoke/$fidelity/$figure is not complete"
        done
    done < <(JEBM_SHARE=$top "$build/$driver" --list)
done
((figures > 30)) || fail "only $figures pictures were looked for"
[[ -s $out/smoke/fig06-fidelity.png && -s $out/smoke/paper-rates-times-h/fig06/fig06.png ]] ||
    fail 'the two readings of the rates are not drawn'
grep -q '</html>' "$out/report.html" || fail 'report.html has no end'
# a verdict's id is the claim's with its variant behind / and its fidelity behind @
while read -r id; do
    grep -q "\"id\": \"${id}[@/]" "$out/verdicts.json" || fail "verdicts.json does not hold the claim $id"
done < <(sed -n 's/^\[\(.*\)\]$/\1/p' "$top/analysis/claims.ini")
# the log is short: a heading, the time and half of it a figure, a summary's line, and what is built
lines=$(grep -c -v '^\[' "$place/whole")
((lines < 200)) || fail "the log has $lines lines"

# ---- a second call repeats nothing ---------------------------------------------------------------

digests "$out" >"$place/before"
# processor time, so that what else the machine does is not counted
times >"$place/times"
reproduce 0 --out "$out"
times >>"$place/times"
took=$(awk 'NR % 2 == 0 { split($1, u, "[ms]"); split($2, s, "[ms]"); t = 60 * (u[1] + s[1]) + u[2] + s[2] - t }
            END { print int(t) }' "$place/times")
((took < 10)) || fail "a second call took $took s"
says '26 of 26 are complete already'
digests "$out" | diff "$place/before" - || fail 'a second call changed what it found'

# ---- one bad item takes nothing else down --------------------------------------------------------

echo 'exit status 1' >>"$top/analysis/figures/fig08.gp"
reproduce 1 --out "$place/other" --data "$place/nowhere" --figures 'fig08 schemes fig03'
says 'failed             smoke/paper/fig08: jebm-gmm ended with status 1'
says 'failed             left out: the figures of MNIST'
says "report             $place/other/report.html"
[[ -s $place/other/smoke/paper/schemes/schemes.png ]] || fail 'schemes was not drawn'
[[ ! -e $place/other/smoke/paper/mnist ]] || fail 'MNIST was begun without data'

((failures == 0)) && echo 'all as expected'
exit "$((failures > 0))"
