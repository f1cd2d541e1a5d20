#!/bin/sh
# usage: tree_test.sh TESTING_SH REPLAY_SH PART... -- FILE...
#
# Our kernel makes of archives of the corpus, and of drawn ones, what is due; a score that is wrong
# in one name's kind, size, contents or text, or has one name more or less, is found out.
set -u
. "$1"
parts_of "$@"
shift "$parts_count"

plays 0 --generate cpio --seed 5 --count 100 --boots 0
grep -q '^ours: 100 scores, [0-9]* lines, 0 differ$' "$said" || fail "$(cat "$said")"
plays 0 --boots 4 --keep "$work/scores" "$@"
grep -q '^ours: 4 refused archives$' "$said" || fail "$(cat "$said")"
grep -q "^ours: $# scores, [0-9]* lines, 0 differ$" "$said" || fail "$(cat "$said")"
wrongs 's/^\(there a\/b\) 0x81/\1 0x80/' 'there a.b 0x80.*: here mode 0x81' \
	's/^\(there .* 0x81[0-9a-f]*\) 1 /\1 2 /' ': here 1 names$' \
	's/^\(there .* 0x81[0-9a-f]* 1\) \([1-9]\)/\1 1\2/' ': here [0-9]* bytes$' \
	's/^\(there .* 0x81[0-9a-f]* 1 [1-9][0-9]*\) .*$/\1 0x1/' ': here sum 0x' \
	's/^\(there .* 0xa1ff 1 [0-9]*\) .*$/\1 787878/' ': here it leads to ' \
	's/^there d\/x /there d\/y /' ': here errno 2$' \
	'/^there d /d' 'unpacked: here [0-9]* names, not '
sed '/^boot /s/ = \([0-9]*\) / = 1\1 /' "$work/scores" >"$work/wrong"
plays 1 --boots 1 --scores "$work/wrong"
grep -q 'refused: anvil: initrd: .*: here anvil: initrd: ' "$said" || fail "$(cat "$said")"
sed 's/^there \(.*\) 0x[^ ]* /there \1 /' "$work/scores" >"$work/wrong"
plays 3 --scores "$work/wrong"
grep -q 'is none of a score: there ' "$said" || fail "$(cat "$said")"
