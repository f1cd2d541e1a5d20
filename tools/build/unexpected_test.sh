#!/bin/sh
# unexpected_test.sh UNEXPECTED.SH -- what was announced is expected, from then on, and nothing else.
set -u
failed=0

log() { # WANTED LINE...: how many of the lines are unexpected
	wanted=$1
	shift
	got=$(printf '%s\n' "$@" | sh "$unexpected" | grep -c '^unexpected: ')
	[ "$got" -eq "$wanted" ] && return
	echo "$got unexpected, not $wanted: $*"
	failed=1
}

unexpected=$1
log 0 'anvil: up' 'ok 1 all'
log 1 'panic: double-free kfree: freed before'
log 0 'deliberate: double-free' 'panic: double-free kfree: freed before'
log 1 'panic: double-free kfree: freed before' 'deliberate: double-free'
log 1 'deliberate: fault' 'panic: double-free kfree: freed before'
log 0 'deliberate: assert fault' 'panic: assert x.c:1: a == b' 'then, while reporting: fault data abort'
log 1 'deliberate: assert' 'panic: assert x.c:1: a == b' 'then, while reporting: fault data abort'
log 1 'deliberate: assert' 'panic: assert x' '  it panicked too: fault data abort: read'
log 1 'out of memory: no pages for the heap to grow' 'oom: kind=pages-at-growth'
log 0 'deliberate: out-of-memory' 'out of memory: no pages for the heap to grow'
log 2 'hang: silent: CPU 1 takes no interrupts' 'hang: end of the report'
exit "$failed"
