#!/bin/sh
# context_test.sh QEMU.SH IMAGE -- contexts on one and several CPUs, with both GICs and each CPU
# model, free running and by counted instructions.
set -u
. kernel/check/boots.sh

boots_well one "$image"
boots_well two-gic2 --smp 2 --gic 2 --cpu cortex-a72 "$image"
boots_well four-max --smp 4 --cpu max "$image"
boots_well three-el2 --smp 3 --machine virtualization=on --cpu max "$image"
boots_well counted --smp 4 "$image" -- -icount shift=3,sleep=off
exit "$failed"
