#!/bin/sh
# boot.sh KERNEL PLAYER BATCH SAID TIMEOUT [ARGUMENT] -- real Linux boots, plays a batch, powers off.
#
# The player is the only program there is (init of an initramfs), with the batch beside it; what it
# prints goes to SAID, its lines of progress ("# ...") to standard error.  Huge pages are off and
# addresses fixed, as the scripts' world has them.
#
# Exit: 0 the batch was played to its end; 4 a package or room is missing; 5 no end within TIMEOUT
# seconds; 1 Linux or the player came to another end, see SAID.
set -u
export LC_ALL=C

kernel=$1 player=$2 batch=$3 said=$4 timeout=$5 argument=${6:-}

fail() { # STATUS WORD...
	status=$1
	shift
	echo "linux: $*" >&2
	exit "$status"
}

command -v cpio >/dev/null || fail 4 "no cpio: install the Debian package cpio"
command -v qemu-system-aarch64 >/dev/null ||
	fail 4 "no qemu-system-aarch64: install the Debian package qemu-system-arm"

work=$(mktemp -d) || fail 4 "no room in ${TMPDIR:-/tmp}"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir "$work/root" && cp "$player" "$work/root/init" && cp "$batch" "$work/root/batch" &&
	(cd "$work/root" && find . | cpio -o -H newc --quiet) >"$work/initramfs" ||
	fail 4 "no room in ${TMPDIR:-/tmp}"
rm -r "$work/root"

{
	timeout --foreground -k 5 "$timeout" qemu-system-aarch64 -M virt -cpu cortex-a72 -smp 1 \
		-m 1024 -nodefaults -display none -serial stdio -no-reboot -kernel "$kernel" \
		-initrd "$work/initramfs" -append "panic=-1 console=ttyAMA0 quiet \
transparent_hugepage=never norandmaps $argument" </dev/null 2>"$work/complaints"
	echo $? >"$work/status"
} | sed -u 's/\r$//' | tee "$said" | sed -un 's/^# /linux: /p' >&2

status=$(cat "$work/status")
if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
	fail 5 "no end after $timeout seconds; the last words are in $said"
fi
[ "$status" -eq 0 ] || fail 4 "QEMU says: $(tail -n 1 "$work/complaints")"
grep -q '^played ' "$said" || fail 1 "Linux did not play to the end; its last words are in $said"
