#!/bin/sh
# runner_test.sh QEMU.SH IMAGE -- the runner's own exit statuses, one for each thing that can be
# wrong outside of the guest.
set -u
qemu=$1
image=$2
failed=0

expect() { # STATUS TEXT COMMAND...
	want=$1 text=$2
	shift 2
	log=$("$@" 2>&1)
	status=$?
	if [ "$status" -ne "$want" ] || ! printf '%s\n' "$log" | grep -q -e "$text"; then
		printf '%s\nFAIL: exit status %s, not %s with "%s": %s\n' "$log" "$status" "$want" \
			"$text" "$*"
		failed=1
	fi
}

expect 2 'usage\|OPTION' "$qemu"
expect 2 'OPTION' "$qemu" --wrong "$image"
expect 2 'OPTION' "$qemu" "$image" another
expect 3 'cannot read /there/is/none' "$qemu" /there/is/none
expect 4 'Debian package qemu-system-arm' env PATH=/there/is/none "$qemu" "$image"
expect 4 'qemu-system-aarch64: ' "$qemu" --gic 7 "$image"
expect 5 'no end after 2 seconds' "$qemu" --timeout 2 --append panic=hang "$image"
expect 2 'no such way' "$qemu" --append panic=none "$image"
expect 6 'panic: assert' "$qemu" --append panic=assert "$image"
exit "$failed"
