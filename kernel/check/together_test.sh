#!/bin/sh
# together_test.sh QEMU.SH IMAGE -- CPUs that take turns, free running and by counted instructions.
set -u
. kernel/check/boots.sh

boots_well one "$image"
boots_well two-gic2 --smp 2 --gic 2 "$image"
boots_well four --smp 4 --cpu max "$image"
boots_well counted --smp 8 "$image" -- -icount shift=3,sleep=off
exit "$failed"
