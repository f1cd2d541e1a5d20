#!/bin/sh
# kmalloc_test.sh CASE STRESS_SH QEMU_SH KERNEL -- short forms of //stress:kmalloc.
#
#	parallel    4 CPUs running freely: memory stabilises, and is never short
#	turns       4 CPUs in turns, twice: the same to the last line
#	exhaustion  to exhaustion and back: it stabilises, and each of the three messages where it is due
#	leak        a page or an object in 10,000 operations, a flipped bit: red, and the culprit's name
#	errors      wrong flags, no QEMU, no end: one line and a status
set -u
. stress/cases.sh
flags="--timeout 100000 --memory 64"

# Failures in the log are those that the run was asked for.
meant() { sh tools/build/unexpected.sh <"$here/out" || fail "failures that nobody meant"; }

case_parallel() {
	expect 0 kmalloc --parallel --no-exhaustion --ops 400
	says '^memory stabilised$' '^ok 3 counts-equal$' '^ok 4 handed-over$'
	quiet
	tail -n 12 "$here/out"
}

case_turns() {
	expect 0 kmalloc --no-exhaustion --ops 4000 --seed 7
	says '^memory stabilised$'
	quiet
	for kept in log json svg samples; do
		[ -s "$here/kept/kmalloc-seed7.$kept" ] || fail "no $kept"
	done
	! grep -q 'href=.http' "$here/kept/kmalloc-seed7.svg" || fail "the picture leans on others"
	cp "$here/kept/kmalloc-seed7.log" "$here/first"
	expect 0 kmalloc --no-exhaustion --ops 4000 --seed 7
	cmp "$here/first" "$here/kept/kmalloc-seed7.log" || fail "the same seed, another run"
	cp "$here/out" "$here/seven"
	expect 0 kmalloc --no-exhaustion --ops 4000 --seed 8
	! cmp -s "$here/first" "$here/kept/kmalloc-seed8.log" || fail "the seed changes nothing"
	tail -n 12 "$here/seven"
}

case_exhaustion() {
	expect 0 kmalloc --ops 300
	says '^memory stabilised$' '^ok 5 exhaustion$' \
		'^out of memory: no pages for the heap to grow$' '^oom: kind=pages-at-growth '
	meant
	grep '^# cycle 4\|^memory' "$here/out"
	expect 6 kmalloc --ops 100 --must-not-fail
	says '^out of memory: the kernel cannot go on$' '^oom: kind=cannot-go-on ' \
		'^panic: out-of-memory ' 'stress_must_not_fail+0x'
	meant
}

# 4 CPUs with 4,000 operations: one or two losses in a cycle.
case_leak() {
	expect 1 kmalloc --no-exhaustion --ops 4000 --leak 10000
	says '^not ok 3 counts-equal # cycle 1 of 4: pages_free 0: ' \
		'^leaked: [12] pages, \(4096\|8192\) bytes, from stress_loses_a_page+0x' \
		'memory did not stabilise' '^again: tools/bazel run //stress:kmalloc -- .*--leak 10000'
	grep '^not ok\|^leaked' "$here/out"
	expect 1 kmalloc --no-exhaustion --ops 4000 --leak-object 10000
	says '^not ok 3 counts-equal' '^leaked: [12] objects, [0-9]* bytes, from stress_loses_an_object+0x'
	grep '^not ok\|^leaked' "$here/out"
	expect 1 kmalloc --no-exhaustion --ops 4000 --corrupt 5000
	says '^not ok 1 contents # [0-9]* times; first: ' '^ok 3 counts-equal$'
	grep '^not ok' "$here/out"
}

case_errors() {
	expect 2 kmalloc --bogus
	says 'unknown flag --bogus'
	expect 2 kmalloc --cycles 3
	says '--cycles is from 4'
	expect 2 kmalloc --seed tomorrow
	says 'wants a number'
	expect 2 kmalloc --must-not-fail --no-exhaustion
	expect 4 kmalloc --out /proc/none
	[ "$(cat "$here/out")" = 'stress: cannot make /proc/none' ] || fail "$(cat "$here/out")"
	sh "$qemu_sh" --append 'stress=kmalloc operations=50 out=/dev/full' "$kernel" >"$here/out" 2>&1
	says '^# no more samples: ' '^memory stabilised$'
	mkdir "$here/bin"
	saved=$PATH
	PATH=$here/bin:$PATH
	printf '#!/bin/sh\nexec sleep 30\n' >"$here/bin/qemu-system-aarch64"
	chmod +x "$here/bin/qemu-system-aarch64"
	expect 5 kmalloc --timeout 1
	says 'no end after 1 seconds' '^again: tools/bazel run //stress:kmalloc -- --timeout 100000 '
	! grep -q '\.svg' "$here/out" || fail "says it kept what it has not"
	rm "$here/bin/qemu-system-aarch64"
	for tool in sh grep mktemp mkdir cat rm tee cp timeout; do
		ln -s "$(PATH=$saved command -v $tool)" "$here/bin/$tool"
	done
	PATH=$here/bin
	expect 4 kmalloc
	says 'install the Debian package qemu-system-arm'
	PATH=$saved
}

"case_$case"
