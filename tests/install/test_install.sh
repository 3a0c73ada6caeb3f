#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What `meson install` leaves, as another user has it: in a prefix that was moved, far from the checkout
# and the build tree (covered up where the kernel lets us), without JEBM_SHARE.
#
# usage: test_install.sh SOURCE BUILD PREFIX CC SANITIZE [PATHS]
#   SANITIZE  what the build has for -Db_sanitize; none, or the example is built with it too
#   PATHS     "paths": no installed file may name the source or the build tree (builds without -g)
set -u
source=$1 build=$2 prefix=$3 cc=$4 sanitize=$5 paths=${6:-}
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
failures=0
unset JEBM_SHARE JEBM_DATA LD_LIBRARY_PATH

fail() {
    printf 'FAILED: %s\n' "$*"
    failures=$((failures + 1))
}

# expect WORDS COMMAND...: status 0, and these words among what it says
expect() {
    local words=$1 text status
    shift
    text=$("$@" 2>&1 </dev/null)
    status=$?
    [[ $status == 0 && $text == *"$words"* ]] || fail "$*: exit $status, expected 0 and '$words' in: $text"
}

for bench in "$build"/benchmarks/bench_*; do
    [[ ! -f $bench ]] || expect 'usage: bench_' "$bench" --help
done

# ---- install, and move -----------------------------------------------------------------------

meson install -C "$build" --no-rebuild --quiet --destdir "$place/stage" >"$place/log" 2>&1 ||
    { cat "$place/log" && exit 1; }
root=$place/anywhere/else
mkdir -p "$place/anywhere"
mv "$place/stage$prefix" "$root"
share=$root/share/jebm
shopt -s nullglob

while read -r file; do
    cmp -s "$source/$file" "$share/$file" || fail "$file is not installed as it is"
done < <(cd "$source" && ls analysis/claims.ini analysis/figures/*.gp analysis/report/report.{css,js} \
    replications/*/presets/*.ini benchmarks/*/presets/*.ini)
if [[ $paths == paths ]]; then
    for tree in "$source" "$build"; do
        named=$(grep -rlF -- "$tree" "$root") && fail "$tree is named in $named"
    done
fi

# ---- the library -----------------------------------------------------------------------------

export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$root" -name jebm.pc)")
read -r -a cflags < <(pkg-config --cflags jebm)
read -r -a libs < <(pkg-config --libs jebm)
read -r -a compile <<<"$cc"
[[ $sanitize == none ]] || cflags+=("-fsanitize=$sanitize")
libdir=$(pkg-config --variable=libdir jebm)

# compiles LANGUAGE COMPILER... <SOURCE
compiles() {
    local language=$1
    shift
    "$@" "${cflags[@]}" -Wall -Wextra -pedantic -Werror -fsyntax-only -x "$language" -
}

# each header alone, by the name that a user writes
while read -r header; do
    printf '#include <%s>\n' "$header" | compiles c "${compile[@]}" -std=c17 || fail "$header as C17"
    if command -v g++ >/dev/null; then
        printf '#include <%s>\n' "$header" | compiles c++ g++ -std=c++11 || fail "$header as C++"
    fi
done < <(cd "$root/include/jebm" && find . -name '*.h' -printf '%P\n')
printf '#include <jebm/jebm.h>\n#if JEBM_VERSION_MAJOR != %s || JEBM_VERSION_MINOR != %s\n#error\n#endif\n' \
    "$(pkg-config --modversion jebm | cut -d. -f1)" "$(pkg-config --modversion jebm | cut -d. -f2)" |
    compiles c "${compile[@]}" -std=c17 || fail 'the version in jebm.h is not that of jebm.pc'

# a function of the library keeps its C name in C++
if command -v g++ >/dev/null; then
    printf '#include <jebm.h>\nint main() { return jebm_status_exit(JEBM_OK); }\n' |
        g++ "${cflags[@]}" -x c++ - -x none "${libs[@]}" "-Wl,-rpath,$libdir" -o "$place/cpp"
    "$place/cpp" || fail 'a C++ program does not link or run'
fi
cp "$source/examples/double_well.c" "$source/examples/read_model.py" "$place"
"${compile[@]}" -std=c17 -O2 -Wall -Wextra -Werror "${cflags[@]}" "$place/double_well.c" "${libs[@]}" -lm \
    "-Wl,-rpath,$libdir" -o "$place/double_well" || fail 'examples/double_well.c does not build'

# ---- grey images of one's own: 28 x 28 pixels, classes 1 and 2 -----------------------------------

# put_images PART COUNT
put_images() {
    local size
    printf -v size '\\x%02x' "$2"
    # shellcheck disable=SC2059 # the format is the bytes
    {
        printf "\\0\\0\\x08\\x03\\0\\0\\0$size\\0\\0\\0\\x1c\\0\\0\\0\\x1c"
        LC_ALL=C awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) for (j = 0; j < 784; j++)
            printf "%c", i % 2 ? 1 + (i + j) % 100 : 120 + (i * j) % 100 }'
    } >"$place/own/$1-images-idx3-ubyte"
    # shellcheck disable=SC2059
    {
        printf "\\0\\0\\x08\\x01\\0\\0\\0$size"
        LC_ALL=C awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%c", 1 + i % 2 }'
    } >"$place/own/$1-labels-idx1-ubyte"
}
mkdir "$place/own"
put_images train 40
put_images t10k 20

# ---- the programs, with nothing of the checkout in sight ---------------------------------------

export root place source build
# complete_word WORD... EXPECTED: what the last of the words becomes is among the replies
complete_word() {
    local COMP_WORDS=("${@:1:$#-1}") COMP_CWORD=$(($# - 2)) COMPREPLY=() expected=${*: -1}
    compopt() { :; }
    # shellcheck source=scripts/completion/jebm.bash
    source "$root/share/bash-completion/completions/$1"
    _jebm "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    [[ " ${COMPREPLY[*]} " == *"$expected"* ]] || fail "${COMP_WORDS[*]}: completed to ${COMPREPLY[*]}"
}
programs() {
    [[ -z ${covered:-} ]] || mount -t tmpfs none "$source" || exit 1
    [[ -z ${covered:-} || ! -e $build ]] || mount -t tmpfs none "$build" || exit 1
    mkdir "$place/work" && cd "$place/work" || exit 1
    export HOME=$place/work PATH=$root/bin:$PATH
    for program in "$root"/bin/*; do
        expect "${program##*/}" "$program" --help
        expect "${program##*/}" "$program" --version
        page=$root/share/man/man1/${program##*/}.1
        [[ $(grep -c -e '^\.SH SYNOPSIS' -e '^\.B \\-\\-help' "$page") == 2 ]] ||
            fail "$page does not say how the program is used"
    done
    expect 'walkers = ' jebm-gmm fig06 --describe walkers
    # completion, as bash calls it: figures, options, keys
    complete_word jebm-gmm fig0 ' fig06 '
    complete_word jebm-gmm --resu ' --resume '
    complete_word jebm-gmm fig06 --set walk ' walkers= '
    complete_word jebm-check --basel ' --baseline '
    few=(--runs 1 --quiet --set iterations=4 --set record_every=2)
    expect 'fig06: ' jebm-gmm fig06 "${few[@]}" --set walkers=100
    expect 'fig10: ' jebm-resampling fig10 "${few[@]}" --set walkers=100
    expect 'schemes: ' jebm-schemes schemes --runs 2 --quiet --set walkers=100
    expect 'overhead: ' jebm-overhead overhead --runs 1 --quiet --set gmm_batch=100 --set gmm_shares=1 \
        --set gmm_inner=1 --set mnist_batch=8 --set mnist_shares=1 --set mnist_inner=1 \
        --set cifar32_batch=2 --set cifar32_inner=1 --set cifar64_batch=2 --set cifar64_inner=1
    expect 'network = conv' jebm-mnist mnist --describe
    expect 'mnist: ' jebm-mnist mnist "${few[@]}" --set data_set="$place/own" --set classes=1,2 --set counts=0 \
        --set walkers=16 --set batch=8 --set data_batch=8 --set inner=2 --set cd_steps=2 --set images=4 \
        --set noise_burn_in=2 --set evaluation=4 --out own
    # whichever Python has h5py
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import h5py' 2>/dev/null && break
    done
    said=$("$python" "$place/read_model.py" own/mnist/models/pcd-0.h5 2>&1)
    case $? in
    0) [[ $said == *'energies computed here'* ]] || fail "read_model.py: $said" ;;
    77) echo "skipped: examples/read_model.py: $said" ;;
    *) fail "read_model.py: $said" ;;
    esac
    if command -v gnuplot >/dev/null; then
        for figure in results/runs/quick/paper/{fig06/fig06,fig10/fig10,schemes/schemes,overhead/overhead} own/mnist/fig03; do
            [[ -s $figure.png ]] || fail "$figure.png is not drawn"
        done
    fi
    expect 'fig06-' jebm-check --results results/runs
    expect '' jebm-report --results results/runs --out report.html
    grep -q 'fig06' report.html || fail 'the report does not show fig06'
    expect 'quadrature' "$place/double_well"
    return "$failures"
}
export -f programs fail expect complete_word
if unshare -rm true 2>/dev/null; then
    failures=$failures covered=yes unshare -rm bash -c programs
else
    echo 'the checkout stays visible: this kernel lets no user cover it up'
    (programs)
fi
failures=$?

((failures == 0)) && echo 'all as expected'
exit "$((failures > 0))"
