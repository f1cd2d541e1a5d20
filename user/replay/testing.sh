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
