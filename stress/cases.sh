# shellcheck shell=sh disable=SC2154
# cases.sh -- to be sourced by tests of stresses, whose arguments are CASE STRESS_SH QEMU_SH KERNEL;
# what they begin with, and what may be demanded of a stress.  $flags are all runs'.  The test ends
# with "case_$case".
case=$1 stress_sh=$2 qemu_sh=$3 kernel=$4
here=${TEST_TMPDIR:-$(mktemp -d)}

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# expect STATUS STRESS FLAG...: runs it; its words go to $here/out, what it keeps to $here/kept.
expect() {
	want=$1 name=$2
	shift 2
	# shellcheck disable=SC2086
	sh "$stress_sh" "$qemu_sh" "$kernel" "$name" --out "$here/kept" $flags "$@" >"$here/out" 2>&1
	status=$?
	[ "$status" -eq "$want" ] ||
		fail "$name $*: status $status, not $want: $(cat "$here/out")"
}

# says PATTERN...: the last one said all of these.
says() {
	for pattern; do
		grep -q -e "$pattern" "$here/out" || fail "no '$pattern' in: $(cat "$here/out")"
	done
}

# quiet: what a run that is not asked for exhaustion may not print.
quiet() { ! grep -E 'out of memory|^oom:|panic:|not ok' "$here/out" || fail "bad words"; }
