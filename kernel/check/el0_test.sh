#!/bin/sh
# el0_test.sh QEMU.SH IMAGE -- EL0 on one and several CPUs, with both GICs and each CPU model (of
# which max has PAN), free running and by counted instructions.
set -u
. kernel/check/boots.sh

boots_well one "$image"
boots_well two-gic2 --smp 2 --gic 2 --cpu cortex-a72 "$image"
boots_well four-max --smp 4 --cpu max "$image"
boots_well two-el2 --smp 2 --machine virtualization=on --cpu max "$image"
boots_well counted --smp 4 "$image" -- -icount shift=3,sleep=off

# Where a program hangs: in the call or behind it.
hang() { # NAME TEXT
	boot --smp 2 --append "trace watch-warn=10 watch-critical=40 el0=$1" "$image" -- \
		-icount shift=3,sleep=off
	says "$1" 5 "$2" 'enters call 50[19](0x1234, 0x0, 0x0, 0x0)$'
}

hang hangs '^  thread [0-9.]*: call 509(0x1234, 0x0, 0x0, 0x0) entered [0-9]* us ago, and not left'
hang starves '^  thread [0-9.]*: call 501(0x1234, .*) = 4661 left [0-9]* us ago, and not resumed'
exit "$failed"
