#!/bin/sh
# usage: replay_test.sh TESTING_SH REPLAY_SH PART... -- FILE...
#
# Programs on our kernel do what scripts of the corpus do on the host; a score that is wrong in one
# answer, one access, one byte, or one end is found out; what is no score is refused.
set -u
. "$1"
parts_of "$@"
shift "$parts_count"

plays 0 --keep "$work/scores" "$@"
grep -q "^ours: $# scores, [0-9]* lines, 0 differ$" "$said" || fail "$(cat "$said")"
lies 's/\(call 124 .* = \)0$/\17/' 'call 124 .* = 7: here 0$'
lies 's/\(store .* = \)done$/\1refused/' '= refused: here done$'
lies 's/ get \(0x[0-9a-f]* \)../ get \1ee/' 'here byte 0 is'
lies 's/call 1000 \(.*\) = -38$/call 1000 \1 leaves/' 'is back from it with -38'
lies 's/\(exec .* = \)-8$/\1-2/' 'exec .* = -2: here -8$'
lies 's/\(exec .* = \)runs$/\1-8/' 'exec .* = -8: here it runs$'
lies 's/\([0-9]* ends = \)0$/\1-4/' 'ends = -4: here 0$'
lies 's/ begins \(98 .*\)$/ call \1 = 0/' 'no answer in'
lies 's/ call \(98 0x[0-9a-f]* 13[78] .*\) = -[0-9]*$/ begins \1/' 'rest: here actor .* is back with'
lies 's/ see \(0x[0-9a-f]*\) .*/ see \1 99/' ' 99: here 0x'
plays 0 --generate futex --seed 3 --count 60
plays 3 --scores /dev/null
sed 's/ leaves$/ departs/' "$work/scores" >"$work/wrong"
plays 3 --scores "$work/wrong"
grep -q 'is none of a score: .* departs$' "$said" || fail "$(cat "$said")"
plays 3 nowhere
plays 2
plays 2 --on mars x
