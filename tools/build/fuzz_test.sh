#!/bin/sh
# usage: fuzz_test.sh REPLAY REPLAY_AARCH64 CORPUS SUBJECT
#
# Replays a corpus with the sanitized program, and demands that its scripts together reach every
# "sometimes" state of their subject; then with the AArch64 one, and compares what all machines must
# agree on.
set -eu
replay=$1 replay_aarch64=$2 corpus=$3 subject=$4
command -v qemu-aarch64 >/dev/null || {
	echo "fuzz_test: no qemu-aarch64; install the Debian package qemu-user" >&2
	exit 4
}
here=${TEST_TMPDIR:-$(mktemp -d)}

# The corpus is built: from the checkout its files are found under bazel-bin.
{
	status=0
	"$replay" --subject "$subject" --sometimes "$corpus" 2>&1 || status=$?
	echo $status >"$here/status"
} | sed -u 's|^\(replay: tools/bazel run .* -- \)fuzz/|\1bazel-bin/fuzz/|'
status=$(cat "$here/status")
[ "$status" -eq 0 ] || exit "$status"
"$replay" --digests "$corpus" >"$here/host"
qemu-aarch64 "$replay_aarch64" --digests "$corpus" >"$here/aarch64"
if ! cmp -s "$here/host" "$here/aarch64"; then
	echo "fuzz_test: the host (<) and AArch64 (>) disagree:" >&2
	diff "$here/host" "$here/aarch64" >&2
	exit 1
fi
echo "$(wc -l <"$here/host") scripts, one digest each on x86-64 and AArch64"
