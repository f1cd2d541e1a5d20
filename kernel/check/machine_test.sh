#!/bin/sh
# machine_test.sh QEMU.SH IMAGE -- the machine's own checks, with one and with three CPUs, GIC 2
# and 3, from EL1 and from EL2, with hardened memory, free running and by counted instructions;
# the last is the same, to the byte, when it is done again.
set -u
qemu=$1
image=$2
folder=${TEST_TMPDIR:-$(mktemp -d)}
failed=0
awk 'BEGIN { for (i = 0; i < 3000; i++) print i * i }' >"$folder/from"

run() { # NAME ARGUMENTS OPTION...
	name=$1
	more=$2
	shift 2
	rm -f "$folder/to"
	log=$("$qemu" --timeout 200 --append "read=$folder/from write=$folder/to $more" "$@" 2>&1)
	status=$?
	if [ "$status" -ne 0 ] || ! cmp -s "$folder/from" "$folder/to"; then
		printf '%s\nFAIL %s: exit status %s\n' "$log" "$name" "$status"
		failed=1
	else
		echo "ok $name"
	fi
}

run one "" "$image"
run hard hard --memory 64 "$image"
run three "" --smp 3 "$image"
run three-gic2 "" --smp 3 --gic 2 --cpu cortex-a72 "$image"
run three-el2 "" --smp 3 --machine virtualization=on --cpu max "$image"
run three-el2-gic2 "" --smp 3 --gic 2 --machine virtualization=on "$image"
run counted icount --smp 3 "$image" -- -icount shift=0,sleep=off
before=$log
run counted-again icount --smp 3 "$image" -- -icount shift=0,sleep=off
if [ "$log" != "$before" ]; then
	printf 'FAIL: two counted runs differ\n%s\n%s\n' "$before" "$log"
	failed=1
fi
exit "$failed"
