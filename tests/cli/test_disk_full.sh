#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A disk that is full: the message names the space. The disk is a small one in memory, which only some
# kernels let a user mount; elsewhere the test is skipped.
#
# usage: test_disk_full.sh PROGRAM SHARE
set -u
program=$1
export JEBM_SHARE=$2
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT

unshare -rm true 2>/dev/null || { echo 'skipped: this kernel lets no user mount a disk' && exit 77; }
# the rows of 40 iterations take more than 8 kB
text=$(unshare -rm sh -c "mount -t tmpfs -o size=12k none '$place' &&
    exec '$program' toy1 --no-figure --quiet --runs 40 --set record_every=1 --out '$place'" 2>&1)
status=$?
if [[ $status != 1 ]] || ! grep -qE 'cannot be written: No space left on device \(at least [0-9.]+ MB are needed, [0-9.]+ MB are free\); free some space' <<<"$text"; then
    echo "exit $status, expected 1 and the space that is needed and free in: $text"
    exit 1
fi
echo 'all as expected'
