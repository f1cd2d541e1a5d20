#!/bin/sh
# oom_test.sh QEMU.SH IMAGE -- the three messages of a kernel that runs out of memory, each with
# its line for machines and the name of who asked.  (That a normal boot has none: boot_test.sh.)
set -u
failed=0
log=$("$1" --memory 512 --timeout 200 "$2" 2>&1)
status=$?
[ "$status" -eq 6 ] || failed=1

# lines COUNT TEXT: that many lines of the log are so.
lines() {
	count=$(printf '%s\n' "$log" | grep -c -e "$2")
	[ "$count" -eq "$1" ] && return
	echo "$count times, not $1: $2"
	failed=1
}

# told COUNT KIND BYTES CALLER: the machines' line.
told() {
	numbers='align=[0-9]* free_pages=[0-9]*'
	lines 1 "^oom: kind=$2 bytes=$3 $numbers caller=$4+0x[0-9a-f]* count=$1\$"
}

lines 1 '^out of memory: no pages for the heap to grow$'
told 1 pages-at-growth 600000 no_pages_at_growth
lines 2 '^out of memory: no suitable block in the heap$'
told 1 no-heap-block 268435464 no_heap_block
told 2 no-heap-block 268435464 cannot_go_on
lines 1 '^out of memory: the kernel cannot go on$'
told 1 cannot-go-on 268435464 cannot_go_on
lines 1 '^oom: pages total=131072 used=[0-9]* free=[0-9]*'
lines 1 '^panic: out-of-memory '
lines 1 '^  cannot_go_on+0x'
printf '%s\n' "$log" | sh tools/build/unexpected.sh || failed=1
[ "$failed" -eq 0 ] || printf '%s\nFAIL: exit status %s\n' "$log" "$status"
exit "$failed"
