#!/bin/sh
# space_test.sh CASE STRESS_SH QEMU_SH KERNEL -- short forms of //stress:space and //stress:maps.
#
#	parallel    4 CPUs running freely: memory stabilises
#	turns       4 CPUs in turns, twice: the same to the last line
#	exhaustion  to exhaustion and back: it stabilises
#	leak        a page or a space in 10,000 operations, wrong words: red, and the culprit's name
#	maps        one space mapped into and unmapped from by all CPUs
set -u
. stress/cases.sh
flags="--timeout 100"

case_parallel() {
	expect 0 space --parallel --no-exhaustion --ops 200
	says '^memory stabilised$' '^ok 3 counts-equal$' '^ok 4 handed-over$'
	quiet
	tail -n 9 "$here/out"
}

case_turns() {
	expect 0 space --no-exhaustion --ops 1000 --seed 7
	says '^memory stabilised$'
	quiet
	cp "$here/kept/space-seed7.log" "$here/first"
	expect 0 space --no-exhaustion --ops 1000 --seed 7
	cmp "$here/first" "$here/kept/space-seed7.log" || fail "the same seed, another run"
	expect 0 space --no-exhaustion --ops 1000 --seed 8
	! cmp -s "$here/first" "$here/kept/space-seed8.log" || fail "the seed changes nothing"
	tail -n 9 "$here/out"
}

case_exhaustion() {
	expect 0 space --ops 200 --memory 64
	says '^memory stabilised$' '^ok 5 exhaustion$'
	grep '^# cycle 4\|^memory' "$here/out"
}

# 4 CPUs with 4,000 operations: one or two losses in a cycle.
case_leak() {
	expect 1 space --no-exhaustion --ops 4000 --leak 10000
	says '^not ok 3 counts-equal # cycle 1 of 4: pages_free 0: ' \
		'^leaked: [12] pages, \(4096\|8192\) bytes, from stress_loses_a_page+0x' \
		'memory did not stabilise'
	grep '^not ok\|^leaked' "$here/out"
	expect 1 space --no-exhaustion --ops 4000 --leak-object 10000
	says '^not ok 3 counts-equal' \
		'^leaked: [12] objects, [0-9]* bytes, from stress_loses_a_space+0x'
	grep '^not ok\|^leaked' "$here/out"
	expect 1 space --no-exhaustion --ops 4000 --corrupt 5000
	says '^not ok 1 contents # [0-9]* times; first: ' '^ok 3 counts-equal$'
	grep '^not ok' "$here/out"
}

case_maps() {
	expect 0 maps --no-exhaustion --ops 2500
	says '^memory stabilised$' ' 50000 operations'
	quiet
	tail -n 9 "$here/out"
}

"case_$case"
