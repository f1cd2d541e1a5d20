#!/bin/sh
# together_test.sh QEMU.SH IMAGE -- CPUs that take turns, free running and by counted instructions.
set -u
qemu=$1
image=$2
failed=0

run() { # NAME OPTION...
	name=$1
	shift
	log=$("$qemu" --timeout 200 "$@" 2>&1)
	status=$?
	if [ "$status" -ne 0 ]; then
		printf '%s\nFAIL %s: exit status %s\n' "$log" "$name" "$status"
		failed=1
	else
		echo "ok $name"
	fi
}

run one "$image"
run two-gic2 --smp 2 --gic 2 "$image"
run four --smp 4 --cpu max "$image"
run counted --smp 8 "$image" -- -icount shift=3,sleep=off
exit "$failed"
