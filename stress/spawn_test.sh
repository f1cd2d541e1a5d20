#!/bin/sh
# spawn_test.sh CASE STRESS_SH QEMU_SH KERNEL -- short forms of //stress:spawn and //stress:wake.
#
#	after, idle, before   4 CPUs in turns, more than 10,000 ends, dead threads reaped so: memory
#	                      stabilises
#	parallel              4 CPUs running freely, on however few cores
#	turns                 the same seed is the same run to the last line, another is another
#	exhaustion            with all memory taken but for a few pages
#	leak                  a stack in 10,000 ends, a wrong status: red, and the culprit's name
#	wake                  wait queues, mutexes, and turns
set -u
. stress/cases.sh
flags="--timeout 250"

# Of all five cycles, the one for warming up counted.
at_least() { # OPERATIONS
	done=$(sed -n 's/^# cycle 4 of 4: \([0-9]*\) operations.*/\1/p' "$here/out")
	[ "${done:-0}" -ge "$1" ] || fail "only ${done:-no} operations"
}

reaped() { # FORM
	expect 0 spawn --no-exhaustion --ops 400 --reap "$1"
	says '^memory stabilised$' '^ok 3 counts-equal$' '^ok 4 handed-over$'
	quiet
	at_least 10000
	grep '^# cycle 4 of 4: [0-9]' "$here/out"
}

case_after() { reaped after; }
case_idle() { reaped idle; }
case_before() { reaped before; }

case_parallel() {
	expect 0 spawn --parallel --no-exhaustion --ops 40
	says '^memory stabilised$'
	quiet
	grep '^# cycle 4 of 4: [0-9]' "$here/out"
}

case_turns() {
	expect 0 spawn --no-exhaustion --ops 60 --seed 7
	cp "$here/kept/spawn-seed7.log" "$here/first"
	expect 0 spawn --no-exhaustion --ops 60 --seed 7
	cmp "$here/first" "$here/kept/spawn-seed7.log" || fail "the same seed, another run"
	expect 0 spawn --no-exhaustion --ops 60 --seed 8
	! cmp -s "$here/first" "$here/kept/spawn-seed8.log" || fail "the seed changes nothing"
}

case_exhaustion() {
	expect 0 spawn --ops 100 --memory 64
	says '^memory stabilised$' '^ok 5 exhaustion$'
	grep '^# cycle 4 of 4: [0-9]\|^memory' "$here/out"
}

case_leak() {
	expect 1 spawn --no-exhaustion --ops 400 --leak-object 10000
	says '^not ok 3 counts-equal # cycle [1-4] of 4: pages_free 0: ' \
		'^leaked: 8 pages, 32768 bytes, from stress_loses_a_stack+0x' \
		'memory did not stabilise'
	grep '^not ok\|^leaked' "$here/out"
	expect 1 spawn --no-exhaustion --ops 40 --corrupt 500
	says '^not ok 1 contents # [0-9]* times; first: a status' '^ok 3 counts-equal$'
	grep '^not ok' "$here/out"
}

case_wake() {
	expect 0 wake --no-exhaustion --ops 1000
	says '^memory stabilised$' '^ok 1 contents$' '^ok 4 handed-over$'
	quiet
	at_least 50000
	expect 0 wake --no-exhaustion --parallel --ops 200
	says '^memory stabilised$'
	quiet
	grep '^# cycle 4 of 4: [0-9]' "$here/out"
}

"case_$case"
