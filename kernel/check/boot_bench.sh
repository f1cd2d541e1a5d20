#!/bin/sh
# boot_bench.sh QEMU.SH IMAGE -- guest instructions from reset to the end of the self-test: one CPU,
# 512 MiB, one instruction a nanosecond.  bazel run //kernel:boot_bench
set -u
log=$("$1" --memory 512 --append icount "$2" -- -icount shift=0,sleep=off) || exit
printf '%s\n' "$log" | grep '^anvil: boot '
