#!/bin/sh
# replay_test.sh CASE REPLAY_SH PART... -- DATA...
#
# Tests of replay.sh and of what it promises:
#
#	corpora     every file of every subject's corpus, on three machines in one boot: the same
#	generated   scripts made at random for every subject: the same, whatever they find
#	repeat      a crasher 1,000 times on each machine: the same oracle, operation and digest
#	gdb         a debugger stops at the failing operation, on the host and in the kernel
#	errors      bad files, bad flags, missing programs, hangs, panics: one line and a status
set -u

fail() {
	# A built corpus lies under bazel-bin for whoever reads this.
	echo "FAIL: $*" | sed 's|^\(replay: tools/bazel run .* -- \)fuzz/|\1bazel-bin/fuzz/|' >&2
	exit 1
}

# Runs replay.sh; its words to ./out and ./err, its status to $status.
replay() {
	# shellcheck disable=SC2086
	sh "$replay_sh" $parts "$@" >"$here/out" 2>"$here/err"
	status=$?
}

expect() { # STATUS PATTERN ARGUMENT...: the pattern is in what was said
	want=$1 pattern=$2
	shift 2
	replay "$@"
	[ "$status" -eq "$want" ] || fail "$*: status $status, not $want: $(cat "$here/out" "$here/err")"
	cat "$here/out" "$here/err" | grep -q -e "$pattern" || fail "$*: no '$pattern' in: $(cat "$here/err")"
}

rows() { sed '1d; $d' "$here/out"; }

case_corpora() {
	expect 0 ' the same and as expected$' "$@"
	files=$(find "$@" -follow -type f | wc -l)
	named=$(rows | grep -vc ', its first [0-9]* operations$')
	[ "$named" -eq "$files" ] || fail "$files files, and $named rows"
	[ "$named" -lt "$(rows | wc -l)" ] || fail "nothing was compared up to what others see"
	[ "$files" -gt 50 ] || fail "only $files files"
	rows | awk '$4 ~ /^same/ && $1 == $2 && $2 == $3 { n++ } END { exit n < 50 }' ||
		fail "too few digests: $(cat "$here/out")"
	cat "$here/out"
}

# Findings are other tests' business; of the canary's misdeeds one is to be different each time.
case_generated() {
	for corpus; do
		subject=$(basename "$corpus" _fuzz_corpus)
		[ "$subject" = canary ] && continue
		"$script_tool" generate --subject "$subject" --seed 2 --count 40 -o "$here/generated" ||
			fail "no scripts for $subject"
	done
	replay "$here/generated"
	[ "$status" -le 1 ] || fail "status $status: $(cat "$here/err")"
	[ "$(rows | wc -l)" -eq $((40 * ($# - 1))) ] || fail "rows are missing: $(cat "$here/out")"
	rows | awk '$1 != $2 || ($2 != $3 && $3 != "host-only")' >"$here/unequal"
	[ ! -s "$here/unequal" ] || fail "$(cat "$here/unequal")"
	! grep -E 'DIFFER|NOTHING|HANG|PANIC|REFUSED' "$here/out" || fail "not the same"
	tail -n 1 "$here/out"
}

case_repeat() {
	expect 0 '^replay: 1 files, 1 the same and as expected$' --repeat 1000 "$1"
	rows | awk '$1 == $2 && $2 == $3 && /, overlap at operation 4 / { n++ } END { exit n != 1 }' ||
		fail "$(cat "$here/out")"
	rows
	# And a script that is another one each time is seen to be.
	printf 'subject canary\nnondeterminism\n' >"$here/fickle"
	expect 1 'DIFFERS' --on guest --repeat 2 "$here/fickle"
	expect 1 'repetition 1 ended otherwise' --on host --repeat 2 "$here/fickle"
	expect 1 'repetition 1 ended otherwise' --on user --repeat 2 "$here/fickle"
}

# What the debugger has to say, on either side, where a canary's overlap fires: operation 4.
case_gdb() {
	command -v gdb-multiarch >/dev/null || {
		echo "replay_test: no gdb-multiarch; install the Debian package gdb-multiarch" >&2
		exit 4
	}
	for side in host guest; do
		expect 0 '^.1 = 4$' --gdb=$side --gdb-batch 'print run->op;bt' "$1"
		grep -q '^#0 .*run_operation_begins' "$here/out" || fail "$side: $(cat "$here/out")"
		grep -q '^#1 .*run_operations' "$here/out" || fail "$side: $(cat "$here/out")"
	done
	grep -q 'run_here .* at kernel/smp.c' "$here/out" || fail "not in the kernel: $(cat "$here/out")"
	# gdb kills the child at a script that expects nothing: no sanitizer has a word to say.
	"$script_tool" disassemble "$1" | sed '/^!expect/d' >"$here/plain"
	expect 0 '^.1 = 4$' --gdb --gdb-batch 'print run->op' "$here/plain"
	! grep -q Sanitizer "$here/out" "$here/err" || fail "a death of its own: $(cat "$here/out")"
	! grep -q '^panic:' "$here/out" "$here/err" || fail "a finding: $(cat "$here/err")"
	expect 2 'takes one file' --gdb "$1" "$1"
}

# A program of that name in front of the real one.
pretend() { # NAME COMMANDS
	mkdir -p "$here/bin"
	printf '#!/bin/sh\n%s\n' "$2" >"$here/bin/$1"
	chmod +x "$here/bin/$1"
}

case_errors() {
	good=$1
	expect 2 'unknown flag --bogus' --bogus "$good"
	expect 2 'no file given'
	expect 2 'no machine is called mars' --on mars "$good"
	expect 2 '--subject wants a value' --subject
	expect 2 'is no number' --timeout soon "$good"
	expect 2 'no subject is called nobody' --subject nobody "$good"
	expect 3 'absent: No such file' --on host "$here/absent"
	printf 'subject nobody\n' >"$here/nobody"
	expect 3 'nobody:1: no subject is called' --on host "$here/nobody"
	printf 'some bytes' >"$here/raw"
	expect 3 'needs --subject' --on host "$here/raw"
	expect 0 '1 the same' --on host --subject heap "$here/raw"
	"$script_tool" assemble "$good" -o "$here/stored" || fail "cannot assemble"
	head -c 50 "$here/stored" >"$here/cut"
	expect 3 'cut: damaged' --on host "$here/cut"
	expect 3 '1 the same' --on host "$here/cut" "$good"

	sed '/^!expect/d' "$good" >"$here/surprise"
	expect 1 'FINDS overlap at operation 4' "$here/surprise"
	sed 's/^!expect.*/!expect leak/' "$good" >"$here/other"
	expect 1 'FINDS overlap' --on guest "$here/other"
	printf 'subject canary\n!expect leak\n' >"$here/silent"
	expect 1 'NOT leak' --on user,guest "$here/silent"

	saved=$PATH
	PATH=$here/bin:$PATH
	pretend qemu-aarch64 "PATH=$saved; qemu-aarch64 \"\$@\" | sed 's/digest=.../digest=bad/'"
	expect 1 'DIFFER' --on host,user "$good"
	rm "$here/bin/qemu-aarch64"
	pretend qemu-system-aarch64 'exec sleep 60'
	expect 5 'HANG' --on guest --timeout 1 "$good"
	pretend qemu-system-aarch64 'exit 6'
	expect 6 'PANIC' --on guest "$good"
	pretend qemu-system-aarch64 'echo "not ok 5 heap # it does not grow"; exit 1'
	expect 1 '^kernel self-test: not ok 5 heap' "$good"
	grep -q ' SELF-TEST ' "$here/out" || fail "$(cat "$here/out")"
	rm "$here/bin/qemu-system-aarch64"
	for tool in sh sed awk grep timeout mktemp mkdir cat rm find sort head tail wc tr cp env; do
		ln -sf "$(PATH=$saved command -v $tool)" "$here/bin/$tool"
	done
	PATH=$here/bin
	expect 4 'install the Debian package qemu-user' "$good"
	expect 4 'install the Debian package qemu-system-arm' --on guest "$good"
	expect 4 'install the Debian package qemu-system-arm' --gdb=guest "$good"
	PATH=$saved
}

case=$1 replay_sh=$2 parts='' script_tool=$5
shift 2
while [ "$1" != -- ]; do
	parts="$parts $1"
	shift
done
shift
here=${TEST_TMPDIR:-$(mktemp -d)}
case $case in
errors | gdb | repeat)
	for file; do
		case $file in */overlap) set -- "$file" && break ;; esac
	done
	;;
esac
"case_$case" "$@"
