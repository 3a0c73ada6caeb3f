#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ./reproduce and ./run-tests by themselves: options, messages, what they call and in which order,
# statuses. meson, ninja, the programs and the package manager are stubs, so nothing is built.
#
#     test_scripts.sh CHECKOUT
set -u
checkout=$1
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
top="$place/a checkout" stubs=$place/stubs calls=$place/calls text=$place/text failures=0
export CALLS=$calls STUBS=$stubs
mkdir -p "$top/analysis/figures" "$top/scripts" "$top/src/app" "$stubs" "$place/elsewhere"
cp "$checkout/reproduce" "$checkout/run-tests" "$top"
cp -r "$checkout"/scripts/. "$top/scripts"
cp "$checkout/src/app/preset.h" "$top/src/app"
: >"$top/analysis/figures/fig06-fidelity.gp"

# presets ROOM NAME LINE...
presets() {
    local directory=$top/$1/presets file=$top/$1/presets/$2.ini
    shift 2
    mkdir -p "$directory"
    printf '%s\n' "$@" >"$file"
}
presets replications/gmm gmm '; two figures' '[fig06]' 'scales = smoke quick paper' 'fidelities = paper code' \
    '[fig06:quick]' 'runs = 3' '[fig07]' 'title = two' 'runs_of = fig06'
presets replications/resampling resampling '[fig10]' 'scales = smoke quick reduced paper' 'fidelities = paper'
presets replications/resampling schemes '[schemes]' 'scales = smoke quick' 'fidelities = paper'
presets replications/mnist mnist '[mnist]' 'scales = smoke quick reduced paper' 'fidelities = paper code' \
    'draws = fig02 fig03'
presets benchmarks/overhead overhead '[overhead]' 'scales = smoke quick paper' 'fidelities = paper'
printf 'quick paper fig07 90\nquick paper fig06 30\nquick code fig06 30\nquick paper-rates-times-h fig06 30\n' >"$top/scripts/times"

# ---- stubs -----------------------------------------------------------------------------------

stub() {
    cat >"$stubs/$1"
    chmod +x "$stubs/$1"
}
stub meson <<'END'
#!/bin/sh
echo "meson $*" >>"$CALLS"
case $1 in
setup) mkdir -p "$2/meson-private" && : >"$2/build.ninja" ;;
test) cat "$STUBS/table"; exit "$(cat "$STUBS/test-status")" ;;
esac
END
stub ninja <<'END'
#!/bin/sh
echo "ninja $*" >>"$CALLS"
[ ! -e "$STUBS/no-build" ] || exit 1
mkdir -p "$2/replications/gmm" "$2/replications/resampling" "$2/replications/mnist" "$2/benchmarks" "$2/analysis"
cp "$STUBS/jebm-gmm" "$2/replications/gmm/jebm-gmm"
cp "$STUBS/jebm-gmm" "$2/replications/resampling/jebm-resampling"
cp "$STUBS/jebm-gmm" "$2/replications/resampling/jebm-schemes"
cp "$STUBS/jebm-gmm" "$2/replications/mnist/jebm-mnist"
cp "$STUBS/jebm-gmm" "$2/benchmarks/jebm-overhead"
cp "$STUBS/jebm-check" "$STUBS/jebm-report" "$2/analysis"
END
# stands for all drivers; fails with the status in the file FIGURE of the stubs; waits for a signal if
# there is a file `wait`
stub jebm-gmm <<'END'
#!/bin/bash
name=${0##*/}
echo "$name $*" >>"$CALLS"
if [ -e "$STUBS/wait" ]; then
    trap 'echo "got TERM" >>"$CALLS"; exit 143' TERM
    trap 'echo "got INT" >>"$CALLS"; exit 130' INT
    : >"$STUBS/waiting"
    for _ in $(seq 200); do sleep 0.1; done
fi
[ ! -e "$STUBS/$1" ] || exit "$(cat "$STUBS/$1")"
figure=$1
while [ "$1" != --out ]; do shift; done
mkdir -p "$2/$figure" && [ -e "$2/$figure/summary.csv" ] || : >"$2/$figure/summary.csv"
END
stub jebm-check <<'END'
#!/bin/sh
echo "jebm-check $*" >>"$CALLS"
[ ! -e "$STUBS/check" ] || exit "$(cat "$STUBS/check")"
END
stub jebm-report <<'END'
#!/bin/sh
echo "jebm-report $*" >>"$CALLS"
[ ! -e "$STUBS/no-report" ] || exit 1
: >"$4"
END
stub gnuplot <<'END'
#!/bin/sh
echo "gnuplot $*" >>"$CALLS"
: >"$3/fig06-fidelity.png"
: >"$3/fig06-fidelity.svg"
END
stub pkg-config <<'END'
#!/bin/sh
[ ! -e "$STUBS/absent" ] || ! grep -qx "$2" "$STUBS/absent"
END
stub gcc <<'END'
#!/bin/sh
exit 0
END
stub apt-get <<'END'
#!/bin/sh
echo "apt-get $*" >>"$CALLS"
case "$*" in *install*) rm -f "$STUBS/absent" ;; esac
END
stub shellcheck </dev/null
stub chromium </dev/null
stub id <<'END'
#!/bin/sh
echo 0
END

cat >"$top/scripts/fetch-data" <<'END'
#!/bin/sh
echo "fetch-data $* data=$JEBM_DATA" >>"$CALLS"
[ ! -e "$STUBS/no-data" ]
END
chmod +x "$top/scripts/fetch-data"

# ---- checks ----------------------------------------------------------------------------------

# expect STATUS WORDS COMMAND...: with the stubs first in the path, from another directory
expect() {
    local wanted=$1 words=$2 status
    shift 2
    (cd "$place/elsewhere" && PATH=$stubs:$PATH "$@") >"$text" 2>&1 </dev/null
    status=$?
    if [[ $status != "$wanted" ]] || ! grep -qF -- "$words" "$text"; then
        fail "$* : exit $status, expected $wanted and '$words' in:
$(<"$text")"
    fi
}

called() { grep -qF -- "$1" "$calls" || fail "expected the call '$1' among:
$(<"$calls")"; }

not_called() { ! grep -qF -- "$1" "$calls" || fail "expected no call '$1' among:
$(<"$calls")"; }

fail() {
    printf 'FAILED: %s\n' "$*"
    failures=$((failures + 1))
}

# every script parses, and the names that meson.build prints are those of the list
for script in "$checkout"/{reproduce,run-tests,.ci/run,scripts/lib.sh}; do
    bash -n "$script" || fail "$script does not parse"
done
while read -r package; do
    # clang's OpenMP is for those who choose clang
    grep -q " $package\$" "$checkout/scripts/packages" || [[ $package == libomp-dev ]] ||
        fail "meson.build names $package, scripts/packages does not"
done < <(grep -oh 'z*lib[a-z0-9]*-dev' "$checkout/meson.build" "$checkout/tests/meson.build" | sort -u)

# the number of the numerics is that of the entries in the changelog
entries=$(awk '/^### / { on = $2 == "Numerics" } on && /^- / { n++ } END { print n + 0 }' "$checkout/CHANGELOG.md")
grep -qx "#define JEBM_NUMERICS $entries" "$checkout/src/app/numerics.h" ||
    fail "CHANGELOG.md has $entries entries under Numerics; expected '#define JEBM_NUMERICS $entries' in src/app/numerics.h"

# usage
: >"$calls"
expect 0 'usage: ./reproduce' "$top/reproduce" --help
expect 0 'usage: ./run-tests' "$top/run-tests" --help
expect 2 "found '--sale'" "$top/reproduce" --sale quick
expect 2 'expected smoke, quick, reduced, paper' "$top/reproduce" --scale huge
expect 2 "(did you mean 'quick'?)" "$top/reproduce" --scale quik
expect 2 "found '--figure', expected an option of --help (did you mean '--figures'?)" "$top/reproduce" --figure fig06
expect 2 "there is no 'fg06' (did you mean 'fig06'?); there are fig06, fig07, fig10, schemes, mnist, fig02, fig03, overhead" \
    "$top/reproduce" --figures 'fig07 fg06'
expect 1 'cannot be made' "$top/reproduce" --out "$stubs/meson/below"
expect 2 '--scale needs a value' "$top/reproduce" --scale
expect 2 'expected an integer' "$top/reproduce" --threads 0
expect 2 'expected an integer' "$top/run-tests" --jobs many
[[ ! -s $calls ]] || fail "wrong usage called $(<"$calls")"

# what is missing is named, or installed
echo gsl >"$stubs/absent"
expect 2 'apt-get install libgsl-dev' "$top/reproduce" --no-install
expect 2 'apt-get install libgsl-dev' "$top/run-tests" --no-install
not_called apt-get
expect 0 'installing libgsl-dev' "$top/reproduce" --scale quick
called 'apt-get -qq update'
called 'apt-get -qq install -y --no-install-recommends libgsl-dev'

# everything in its order and place
for fidelity in paper code; do
    for figure in fig06 fig07; do
        called "jebm-gmm $figure --scale quick --fidelity $fidelity --out $top/results/runs/quick/$fidelity --heading figure"
    done
done
called "/quick/paper --heading figure 1 of 10 --afterwards 150 --resume"
called "jebm-gmm fig06 --scale quick --fidelity paper --set rate_unit=time --out $top/results/runs/quick/paper-rates-times-h --heading figure 3 of 10"
called "gnuplot -c $top/analysis/figures/fig06-fidelity.gp $top/results/runs/quick paper=$top/results/runs/quick/paper/fig06 code="
called "jebm-resampling fig10 --scale quick --fidelity paper --out $top/results/runs/quick/paper --heading figure 6 of 10 --afterwards 0 --resume"
not_called 'fig10 --scale quick --fidelity code'
called "jebm-schemes schemes --scale quick --fidelity paper --out $top/results/runs/quick/paper --heading"
called "fetch-data mnist"
called "jebm-overhead overhead --scale quick --fidelity paper --out $top/results/runs/quick/paper --heading"
called "jebm-mnist mnist --scale quick --fidelity code --out $top/results/runs/quick/code --heading"
called "jebm-check --results $top/results/runs --summary --json $top/results/runs/verdicts.json"
called "jebm-report --results $top/results/runs --out $top/results/runs/report.html"
not_called '--baseline'

# a second call installs, sets up and draws nothing
: >"$calls"
expect 0 verdicts.json "$top/reproduce"
called 'jebm-gmm fig07 --scale quick'
not_called apt-get
not_called 'meson setup'
not_called gnuplot

# a build directory that was moved with its checkout, or cut, is made anew; a foreign one is left
: >"$calls"
echo elsewhere >"$top/build-release/.set-up-by"
expect 0 'set up anew' "$top/reproduce" --scale quick
called 'meson setup'
rm -r "$top/build-release" && mkdir "$top/build-release" && : >"$top/build-release/mine"
expect 1 'no build directory' "$top/reproduce" --scale quick
[[ -e $top/build-release/mine ]] || fail 'a foreign directory was removed'
rm -r "$top/build-release"

# a figure that lacks a scale is run at the next smaller one; one that there is not is refused
: >"$calls"
expect 0 'at the next smaller one: fig07 (quick), schemes (quick)' "$top/reproduce" --scale reduced --figures 'fig07 fig10 schemes'
called 'jebm-gmm fig07 --scale quick'
called 'jebm-resampling fig10 --scale reduced'
called 'jebm-schemes schemes --scale quick'
not_called 'jebm-gmm fig06'
not_called fetch-data
: >"$calls"
expect 0 'scale smoke: 2 runs of figures' "$top/reproduce" --scale smoke --figures 'fig03 fig02'
called 'jebm-mnist mnist --scale smoke --fidelity code'
not_called 'jebm-gmm fig'

# options arrive, --out counts from where one stands
: >"$calls"
expect 0 "$place/elsewhere/out" "$top/reproduce" --scale paper --figures fig07 --runs 4 --threads 2 --out out --baseline "$stubs/meson"
called "jebm-gmm fig07 --scale paper --fidelity code --out $place/elsewhere/out/paper/code --runs 4 --threads 2 --heading figure 2 of 2 --afterwards 0 --resume"
called "--json $place/elsewhere/out/verdicts.json --baseline $stubs/meson"
not_called 'jebm-gmm fig06'

# without data the images are left out and everything else is done
: >"$calls"
: >"$stubs/no-data"
expect 1 'left out: the figures of MNIST' "$top/reproduce" --data "$place/data"
called "fetch-data mnist data=$place/data"
called 'jebm-gmm fig07'
called jebm-report
not_called 'jebm-mnist mnist'
rm "$stubs/no-data"

# statuses: whatever fails lets the rest go on and is told at the end, a lost claim passes through
for status in 1 2; do
    : >"$calls"
    echo "$status" >"$stubs/fig06"
    expect 1 "failed             quick/code/fig06: jebm-gmm ended with status $status" "$top/reproduce" --scale quick
    grep -qF 'runs/report.html: open' "$text" || fail "no report after a failure: $(<"$text")"
    called 'jebm-gmm fig07'
    called jebm-check
done
mkdir -p "$top/results/runs/quick/code/fig06"
printf '{\n  "diverged": [\n' >"$top/results/runs/quick/code/fig06/manifest.json"
expect 1 'quick/code/fig06: runs diverged' "$top/reproduce" --scale quick
rm "$stubs/fig06" "$top/results/runs/quick/code/fig06/manifest.json"
echo 3 >"$stubs/check"
expect 3 verdicts.json "$top/reproduce" --scale quick
echo 2 >"$stubs/check"
: >"$calls"
expect 1 'the claims could not be judged: jebm-check ended with status 2' "$top/reproduce" --scale quick
called jebm-report
! grep -q '^verdicts' "$text" || fail "verdicts of a failed check: $(<"$text")"
rm "$stubs/check"
: >"$stubs/no-report"
expect 1 'the report could not be written' "$top/reproduce" --scale quick
! grep -q '^report ' "$text" || fail "a report that there is not: $(<"$text")"
rm "$stubs/no-report"
: >"$stubs/no-build"
expect 1 '' "$top/reproduce" --scale quick
rm "$stubs/no-build"

# a signal to the script alone reaches the program, once, and nothing is started after it
: >"$calls"
: >"$stubs/wait"
(
    trap - INT
    PATH=$stubs:$PATH exec "$top/reproduce" --scale quick >"$text" 2>&1 </dev/null
) &
script=$!
for _ in {1..100}; do
    [[ -e $stubs/waiting ]] && break
    sleep 0.1
done
kill -TERM "$script"
wait "$script"
status=$?
rm "$stubs/wait"
[[ $status == 143 ]] || fail "SIGTERM: exit $status, expected 143"
grep -q 'call it again' "$text" || fail "SIGTERM: $(<"$text")"
[[ $(grep -c 'got' "$calls") == 1 ]] || fail "SIGTERM: $(<"$calls")"
not_called 'jebm-gmm fig07'

# run-tests counts what meson reports, over its configurations
rm -f "$stubs/absent"
printf 'Ok:                 20\nExpected Fail:      1\nFail:               0\nUnexpected Pass:    0\nTimeout:            0\n' >"$stubs/table"
echo 0 >"$stubs/test-status"
expect 0 '21 passed, 0 failed' "$top/run-tests" --quick
[[ $(tail -n 1 "$text") == '21 passed, 0 failed' ]] || fail "last line: $(tail -n 1 "$text")"
printf 'Ok:                 20\nFail:               2\nTimeout:            1\n' >"$stubs/table"
echo 1 >"$stubs/test-status"
expect 1 '20 passed, 3 failed' "$top/run-tests" --quick
expect 1 '20 passed, 3 failed' "$top/run-tests"
: >"$stubs/table"
expect 1 '0 passed, 1 failed' "$top/run-tests" --quick
: >"$stubs/no-build"
expect 1 '0 passed, 1 failed' "$top/run-tests" --quick

((failures == 0)) && echo 'all as expected'
exit "$((failures > 0))"
