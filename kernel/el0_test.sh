#!/bin/sh
# el0_test.sh QEMU.SH IMAGE -- EL0 on one and several CPUs, with both GICs and each CPU model (of
# which max has PAN), free running and by counted instructions.
set -u
. kernel/boots.sh

run() { # NAME OPTION...
	name=$1
	shift
	boot --timeout 200 "$@"
	ends_well "$name"
}

run one "$image"
run two-gic2 --smp 2 --gic 2 --cpu cortex-a72 "$image"
run four-max --smp 4 --cpu max "$image"
run two-el2 --smp 2 --machine virtualization=on --cpu max "$image"
run counted --smp 4 "$image" -- -icount shift=3,sleep=off
exit "$failed"
