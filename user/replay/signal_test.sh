#!/bin/sh
# usage: signal_test.sh TESTING_SH REPLAY_SH PART... -- FILE...
#
# Programs on our kernel take the signals that scripts of the corpus, and some that are drawn, take
# on the host, are stopped, and go on; a score that is wrong in one of these is found out.
set -u
. "$1"
parts_of "$@"
shift "$parts_count"

plays 0 --keep "$work/scores" "$@"
grep -q "^ours: $# scores, [0-9]* lines, 0 differ$" "$said" || fail "$(cat "$said")"
lies 's/\( takes [0-9]* -1\) 0x[0-9a-f]*$/\1 0x77/' ' 0x77: here it takes [0-9]* -1 0x'
lies 's/^[0-9]* takes .*$/# not told/' ' call .*: here it takes '
lies 's/^\([0-9]*\) handle 64 4$/&\n\1 takes 10 -1 0x0/' 'here it has taken none'
lies '0,/^- rest$/s//- stopped 1/' 'stopped 1: here it is not stopped'
plays 0 --generate signal --seed 3 --count 40
