#!/bin/sh
# usage: tsan_test.sh REPLAY_TSAN CORPUS... -- CANARY...
#
# ThreadSanitizer's opinion of the stored scripts whose operations run side by side: nothing to say of
# the corpora; and of the canary a race, which is a finding like any other, with both accesses named.
# What our own detector makes of the same is the other tests' affair.
set -eu
replay=$1
shift
corpora=
while [ "$1" != -- ]; do
	corpora="$corpora $1"
	shift
done
shift

fail() {
	echo "tsan_test: $*" >&2
	exit 1
}

# Paths without spaces.
# shellcheck disable=SC2086
"$replay" $corpora
for canary; do
	case $canary in
	*/race) race=$canary ;;
	*/lost-update) update=$canary ;;
	*) "$replay" "$canary" ;;
	esac
done
"$replay" "$race"

here=${TEST_TMPDIR:-$(mktemp -d)}

# found SCRIPT PATTERN: without what it expects, the script is a finding.
found() {
	grep -v '^!expect' "$1" >"$here/script"
	status=0
	"$replay" "$here/script" >"$here/said" 2>&1 || status=$?
	[ $status -eq 1 ] || fail "$1: exit status $status"
	grep -q '^panic: race canary_smp\.' "$here/said" || fail "$1: $(cat "$here/said")"
	grep -q "^  seen: $2" "$here/said" || fail "$1: not $2: $(cat "$here/said")"
}
writes='writes 8 bytes at canary_write+0x[0-9a-f]*'
adds='bytes at canary_add+0x[0-9a-f]*'
found "$race" "cpu 1 $writes; unordered, before it cpu 0 $writes: arena+0x[0-9a-f]*, byte "
found "$update" "cpu 1 writes 8 $adds; unordered, before it cpu 0 reads 8 $adds: arena+0x"
