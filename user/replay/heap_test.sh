#!/bin/sh
# usage: heap_test.sh TESTING_SH REPLAY_SH PART... -- FILE...
#
# A program on our kernel does with its allocator what scripts of the corpus, and some drawn ones, do
# on the host; a score that is wrong in one place, one answer of the kernel, one size, one verdict,
# or one figure is found out.
set -u
. "$1"
parts_of "$@"
shift "$parts_count"

plays 0 --generate malloc --seed 11 --count 40 --cpus 2
grep -q '^ours: 40 scores, [0-9]* lines, 0 differ$' "$said" || fail "$(cat "$said")"
plays 0 --keep "$work/scores" "$@"
grep -q "^ours: $# scores, [0-9]* lines, 0 differ$" "$said" || fail "$(cat "$said")"
wrongs 's/\(asks sbrk [1-9].* = %\)\(.*\)$/\11\2/' 'sbrk .* = %1.*: here %' \
	's/\(asks map [0-9]* = \)\^.*$/\1refused/' 'is asked as well$' \
	's/asks unmap \(\^[0-9]*\) \(.*\) =/asks unmap \1 1\2 =/' 'unmap .*: here with' \
	'/^asks remap .* = \^/d' 'here remap [0-9]* is asked' \
	's/\( alloc .* = %[0-9]*\) \(.*\)$/\1 1\2/' 'alloc .*: here [0-9]* usable bytes' \
	's/\( misfree .* = \)double$/\1wild/' 'misfree .* = wild: here double' \
	's/^\(stats .*released [0-9]*\)/\11/' 'stats .*: here released '
sed 's/ misfree / mislay /' "$work/scores" >"$work/wrong"
plays 3 --scores "$work/wrong"
grep -q 'is none of a score: .* mislay' "$said" || fail "$(cat "$said")"
