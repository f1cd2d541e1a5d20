#!/bin/sh
# board.sh PATCH STATUS QEMU.SH IMAGE -- IMAGE, a kernel with PATCH's defect and a program of checks,
# is booted with PATCH's Flags; the check that PATCH names must fail, or the kernel panic with that.
set -u
. defects/head.sh
patch=$1 status=$2 qemu=$3 image=$4
id=$(head_of "$patch" Id)
oracle=$(head_of "$patch" Oracle)
flags=$(head_of "$patch" Flags)

if [ "$(cat "$status")" != applied ]; then
	cat "$status"
	exit 1
fi
# Flags hold no spaces of their own; what follows "--" is QEMU's.
# shellcheck disable=SC2086
log=$("$qemu" --timeout 100 ${flags%%-- *} "$image" -- ${flags#*-- } 2>&1)
if printf '%s\n' "$log" | grep -e "^not ok [0-9]* $oracle #" -e "^panic: $oracle "; then
	echo "$id: found by $oracle"
	exit 0
fi
printf '%s\n' "$log" | tail -n 40
echo "$id: not found by $oracle"
exit 1
