#!/bin/sh
# usage: explain_test.sh SEEING_SH EXPLAIN EXPLAIN_RACE LOST_UPDATE RACE
#
# What a lost update and a race look like, in words and drawn.
set -eu
seeing=$PWD/$1 explain=$PWD/$2 explain_race=$PWD/$3 lost_update=$PWD/$4 race=$PWD/$5
cd "${TEST_TMPDIR:-$(mktemp -d)}"

fail() {
	echo "explain_test: $*" >&2
	exit 1
}

sh "$seeing" "$explain" "$explain_race" "$lost_update" -o drawn.svg >text 2>said ||
	fail "$(cat said)"
for words in '1: add times=2' '0x[0-9a-f]* --> cpu 1' 'lock.outer' '\*\*\* content' \
	'4 is there'; do
	grep -q -e "$words" text || fail "no $words in: $(cat text)"
done
# The turn is given away after CPU 0 has begun to add and before CPU 1 begins.
awk '/1: add times=2/ { a = NR } /--> cpu 1/ { b = NR } /3: careful-add/ { if (!c) c = NR }
	END { exit !(a < b && b < c) }' text || fail "$(cat text)"
head -c 4 drawn.svg | grep -q '<svg' || fail "no drawing"
[ "$(grep -c '<text' drawn.svg)" -gt 10 ] && [ "$(tail -n 1 drawn.svg)" = '</svg>' ] ||
	fail "half a drawing"
[ "$(grep -c '<rect' drawn.svg)" -gt 4 ] || fail "no boxes for operations and locks"
! grep -q '<script\|href' drawn.svg || fail "the drawing is not by itself"

sh "$seeing" "$explain" "$explain_race" "$race" -o drawn.svg >text 2>said || fail "$(cat said)"
grep -q '\*\*\* race' text && grep -q 'unordered, before it cpu [01] writes' text ||
	fail "the rival is not named: $(cat text)"
status=0
"$explain" nowhere >text 2>said || status=$?
[ $status = 3 ] || fail "no file: status $status"
