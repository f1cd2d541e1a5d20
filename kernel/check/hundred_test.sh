#!/bin/sh
# hundred_test.sh HUNDRED.SH QEMU.SH HALT SCHED INIT PROBES PANIC -- some of the hundred runs; and runs
# that end badly, or not at all, are counted.
set -u
hundred=$1 qemu=$2 halt=$3 sched=$4 init=$5 probes=$6 panic=$7
failed=0

expect() { # STATUS WORDS ARGUMENT...
	status=$1 words=$2
	shift 2
	said=$(sh "$hundred" "$qemu" "$@" 2>&1)
	if [ $? -ne "$status" ] || ! printf '%s\n' "$said" | grep -q "^$words$"; then
		printf '%s\nFAIL: not status %s, "%s"\n' "$said" "$status" "$words"
		failed=1
	fi
	printf '%s\n' "$said" | tail -n 1
}

# The image of panics has been told of no way, or of one that never ends.
expect 0 '2 runs in a row: 2 ended well, 0 badly, 0 froze' "$halt" "$sched" "$init" "$probes" 2
expect 1 '1 runs in a row: 0 ended well, 1 badly, 0 froze' "$panic" "$sched" "$init" "$probes" 1
printf '#!/bin/sh\nexec "%s" --append panic=hang --timeout 3 "%s"\n' "$qemu" "$panic" >"$TEST_TMPDIR/qemu"
chmod +x "$TEST_TMPDIR/qemu"
qemu=$TEST_TMPDIR/qemu
expect 1 '2 runs in a row: 0 ended well, 0 badly, 2 froze' "$halt" "$sched" "$init" "$probes" 2
exit "$failed"
