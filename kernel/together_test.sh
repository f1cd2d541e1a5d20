#!/bin/sh
# together_test.sh QEMU.SH IMAGE -- CPUs that take turns, free running and by counted instructions.
set -u
. kernel/boots.sh

run() { # NAME OPTION...
	name=$1
	shift
	boot --timeout 200 "$@"
	ends_well "$name"
}

run one "$image"
run two-gic2 --smp 2 --gic 2 "$image"
run four --smp 4 --cpu max "$image"
run counted --smp 8 "$image" -- -icount shift=3,sleep=off
exit "$failed"
