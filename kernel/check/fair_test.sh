#!/bin/sh
# fair_test.sh QEMU.SH IMAGE INITRD -- by counted instructions on two and four CPUs: threads that
# wait for each other without a call get on, beside others that spin for ever.  Without the boot
# argument (QEMU 7.2) none does: the watchdog finds starved who is ready on a CPU without turns.
set -u
. kernel/check/boots.sh
initrd=$3

hand() { # NAME CPUS WORDS
	boot --smp "$2" --timeout 200 --append "fair -- $3" "$image" -- \
		-icount shift=3,sleep=off -initrd "$initrd"
	log=$(printf '%s\n' "$log" | tr -d '\r')
	says "$1" 0 '^fair: 10 rounds$'
}

hand two 2 10
hand two-busy 2 "10 1"
hand four 4 10
hand four-busy 4 "10 0 1 2 3"
exit "$failed"
