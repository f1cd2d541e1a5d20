#!/bin/sh
# usage: minimise_test.sh SEEING_SH MINIMISE MINIMISE_RACE REPLAY REPLAY_RACE
#
# Findings by whichever strategy become the smallest script there is, with one decision; each is
# replayed a thousand times and ends at the same point.  A race is minimised where it is seen.
set -eu
seeing=$PWD/$1 minimise=$PWD/$2 minimise_race=$PWD/$3 replay=$PWD/$4 replay_race=$PWD/$5
cd "${TEST_TMPDIR:-$(mktemp -d)}"

fail() {
	echo "minimise_test: $*" >&2
	exit 1
}

hunt() { # SEED ORACLE PROGRAM
	"$3" --hunt canary_smp --seed "$1" --runs 20000 --expect "$2" --out "found$1" >said ||
		fail "no $2 by seed $1"
	grep -q ' listed oracle=' said || fail "not listed: $(cat said)"
	finding=$(find "found$1" -type f ! -name '*.txt')
}

for seed in 1 2 3; do
	hunt $seed content "$replay"
	"$replay" --repeat 1000 "$finding" >/dev/null 2>said || fail "$(cat said)"
	sh "$seeing" "$minimise" "$minimise_race" "$finding" -o small >text 2>said ||
		fail "$(cat said)"
	[ "$(grep -c 'add times=1' text)" = 2 ] && [ "$(wc -l <text)" = 6 ] ||
		fail "not the smallest: $(cat text)"
	grep -q '^after: 2 operations, 1 decisions, 2 switches, 2 CPUs, 8 pages$' said ||
		fail "$(cat said)"
	"$replay" --repeat 1000 small >/dev/null 2>said || fail "$(cat said)"
done

hunt 7 race "$replay_race"
sh "$seeing" "$minimise" "$minimise_race" "$finding" -o small >text 2>said || fail "$(cat said)"
grep -q '^after: 2 operations, 0 decisions' said || fail "$(cat said)"
"$replay_race" --repeat 100 small >/dev/null 2>said || fail "$(cat said)"

printf 'subject canary_smp\ncareful-add times=1\n' >sound
status=0
"$minimise" sound >text 2>said || status=$?
[ $status = 1 ] || fail "a sound script: status $status"
status=0
"$minimise" nowhere >text 2>said || status=$?
[ $status = 3 ] || fail "no file: status $status"
