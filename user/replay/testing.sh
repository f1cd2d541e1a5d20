# shellcheck shell=sh
# testing.sh -- what tests of replay.sh have in common; read by them.
#
# parts_of "$@" takes TESTING_SH REPLAY_SH PART... -- off a test's arguments: they are $parts_count.

fail() {
	echo "replay_test: $*" >&2
	exit 1
}

parts_of() {
	replay=$2 parts='' parts_count=3
	shift 2
	while [ "$1" != -- ]; do
		parts="$parts $1"
		parts_count=$((parts_count + 1))
		shift
	done
}

work=${TEST_TMPDIR:-$(mktemp -d)}
said=$work/said

# shellcheck disable=SC2086 # parts are words
plays() { # STATUS ARGUMENT...
	expected=$1
	shift
	sh "$replay" $parts "$@" >"$said" 2>&1
	status=$?
	[ $status = "$expected" ] || fail "status $status, not $expected: $* $(cat "$said")"
}

# One line of the scores is otherwise; so is what happens.
lies() { # SED WORDS
	sed "$1" "$work/scores" >"$work/wrong"
	! cmp -s "$work/scores" "$work/wrong" || fail "nothing to change: $1"
	plays 1 --scores "$work/wrong"
	grep -q -e "$2" "$said" || fail "no $2 in $(cat "$said")"
}

# Many such, all of them in one boot.
wrongs() { # SED WORDS...
	: >"$work/wrong"
	: >"$work/words"
	while [ $# -ne 0 ]; do
		sed "$1" "$work/scores" >"$work/one"
		! cmp -s "$work/scores" "$work/one" || fail "nothing to change: $1"
		cat "$work/one" >>"$work/wrong"
		printf '%s\n' "$2" >>"$work/words"
		shift 2
	done
	plays 1 --boots 0 --scores "$work/wrong"
	while read -r words; do
		grep -q -e "$words" "$said" || fail "no $words in $(cat "$said")"
	done <"$work/words"
}
