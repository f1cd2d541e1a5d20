#!/bin/sh
# sched_bench.sh QEMU.SH IMAGE -- what threads cost in the image that ships, in guest instructions:
# two CPUs, one instruction a nanosecond.  bazel run //kernel:sched_bench
#
# Exit: 0, or 1 when a figure is not below its target.
set -u
log=$("$1" --smp 2 --memory 512 --cpu cortex-a72 "$2" -- -icount shift=0,sleep=off)
status=$?
printf '%s\n' "$log" | grep '^bench: ' || printf '%s\n' "$log" >&2
exit "$status"
