#!/bin/sh
# kbench.sh QEMU_SH PACKAGE_SH KERNEL INITRD [--linux] -- what //stress:kbench runs.
#
# kbench-init.c, unmodified, as /init of our kernel: what its operations cost in guest instructions
# (QEMU's -icount shift=0: one instruction is one nanosecond of the guest's clock), beside Linux's
# and what we mean to stay under.  Once with one CPU, once with four.
#
#	tools/bazel run //stress:kbench              ours; Linux's figures are those of linux.txt
#	tools/bazel run //stress:kbench -- --linux   boots Debian's Linux, and writes linux.txt
#
# Linux's figures go up and down by 1 to 6 % in the rows of processes, pipes and yields, by less than
# 1 % elsewhere; ours should not at all, but for that of futexes on two CPUs.  There the clock counts
# what all CPUs do while one is waited for, by the turns that QEMU gives them: the same image has 2,577
# or 2,870 with four CPUs, as the boot arguments are shorter or longer, and with two 2,815 to 2,916 by
# how much memory there is.
#
# Exit: 0 every row is there, and none over its target; 1 one is; 2 usage; 4 a package, the network
# or room is missing; 5 no end.
set -u
export LC_ALL=C
command=kbench
. tools/build/command.sh

here=$(absolute stress/kbench) # in Bazel's folder of what it needs
qemu=$(absolute "$1") package=$(absolute "$2") kernel=$(absolute "$3") initrd=$(absolute "$4")
whom=${5:-ours}
case $whom in ours | --linux) ;; *) fail 2 "what is $whom?" ;; esac
out=${BUILD_WORKING_DIRECTORY:-$PWD}/anvil-out
work=$(mktemp -d) || fail 4 "no room for temporary files"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

if [ "$whom" = --linux ]; then
	mkdir -p "$out/linux" || fail 4 "cannot write to $out"
	sh "$package" "$out/linux" || exit $?
	kernel=$out/linux/vmlinuz
fi

boot() { # CPUS LOG
	if [ "$whom" = --linux ]; then
		set -- "$1" "$2" --no-host --append "console=ttyAMA0 quiet nokaslr"
	fi
	cpus=$1 log=$2
	shift 2
	sh "$qemu" --smp "$cpus" --cpu cortex-a72 --memory 512 --timeout 600 "$@" "$kernel" -- \
		-icount shift=0,sleep=off -initrd "$initrd" </dev/null >"$work/console" 2>&1
	tr -d '\r' <"$work/console" >"$log"
	grep -q '^KB end of run' "$log" && return
	[ "$whom" != --linux ] || fail 5 "no end with $cpus CPUs: $(tail -n 1 "$log")"
	echo "kbench: no end with $cpus CPUs; the last words:" >&2
	tail -n 5 "$log" >&2
}

# "figure row" of a log.
rows() { sed -n 's/^KB \(.*[^ ]\)  *\([0-9.]*\) [0-9]*$/\2 \1/p' "$1"; }

record() {
	into=${BUILD_WORKSPACE_DIRECTORY:?started by tools/bazel run}/stress/kbench/linux.txt
	{
		echo "# What Linux needs for them ($(cat "$out/linux/version")), in guest instructions:"
		echo "# CPUs, figure, row.  Written by tools/bazel run //stress:kbench -- --linux"
		rows "$work/log1" | sed 's/^/1 /'
		rows "$work/log4" | sed 's/^/4 /'
	} >"$work/linux.txt" && cp "$work/linux.txt" "$into" || fail 4 "cannot write $into"
}

boot 1 "$work/log1"
boot 4 "$work/log4"
grep -h '^KB-note' "$work/log1" "$work/log4"
linux=$here/linux.txt
if [ "$whom" = --linux ]; then
	record
	linux=$work/linux.txt
fi
rows "$work/log1" | sed 's/^/1 /' >"$work/rows"
rows "$work/log4" | sed 's/^/4 /' >>"$work/rows"
awk -f "$here/table.awk" "$here/targets.txt" "$linux" "$work/rows"
status=$?
[ "$whom" != --linux ] || exit 0 # it is what ours is compared with
exit "$status"
