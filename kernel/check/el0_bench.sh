#!/bin/sh
# el0_bench.sh QEMU.SH IMAGE -- what programs' ways into the kernel cost in the image that ships, in
# guest instructions of one CPU, and of four at once.  bazel run //kernel:el0_bench
#
# Exit: 0, or 1 when a figure is not below its target.
set -u
worst=0
for cpus in 1 4; do
	log=$("$1" --smp "$cpus" --memory 512 --cpu cortex-a72 "$2" -- -icount shift=0,sleep=off)
	status=$?
	printf '%s\n' "$log" | grep '^bench: ' || printf '%s\n' "$log" >&2
	[ "$status" -eq 0 ] || worst=$status
done
exit "$worst"
