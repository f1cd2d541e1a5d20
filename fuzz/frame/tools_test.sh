#!/bin/sh
# usage: tools_test.sh SCRIPT_TOOL REPLAY CANARIES...
#
# The script tool and the replay program as people use them: exit statuses, refusals, reports, and
# what happens to a finding when the disk is full.
set -eu
script=$PWD/$1 replay=$PWD/$2
shift 2
for canary; do :; done
canaries=$PWD/$(dirname "$canary")
cd "${TEST_TMPDIR:-$(mktemp -d)}"

fail() {
	echo "tools_test: $*" >&2
	exit 1
}

# status WANTED COMMAND...: its output is left in ./out and ./err.
status() {
	wanted=$1
	shift
	got=0
	"$@" >out 2>err || got=$?
	[ "$got" = "$wanted" ] && return
	cat out err >&2
	fail "exit status $got, not $wanted: $*"
}

# --- text to file and back ---------------------------------------------------------------------------
status 0 "$script" assemble "$canaries/overlap" -o stored
status 0 "$script" disassemble stored -o text
status 0 "$script" assemble text -o again
cmp stored again || fail "text and back is not the same file"
status 0 "$script" canonical stored -o again
cmp stored again || fail "what is assembled is canonical"
status 0 "$script" check stored text
grep -q '^stored: stored, subject canary, 5 operations.*expects overlap$' out ||
	grep -q '^stored: stored, subject canary, 6 operations.*expects overlap$' out ||
	fail "check says: $(cat out)"

# --- refusals, by name -------------------------------------------------------------------------------
{ head -c 40 stored; printf X; tail -c +42 stored; } >damaged
head -c 50 stored >short
{ head -c 6 stored; printf '\002\000'; tail -c +9 stored; } >newer
printf 'subject canary\ntake 1\ntake 99\n' >wrong
status 3 "$script" check damaged
grep -q '^script: damaged: damaged: its checksum is wrong$' err || fail "$(cat err)"
status 3 "$script" disassemble short
grep -q 'short: damaged: its length' err || fail "$(cat err)"
status 3 "$replay" newer
grep -q 'newer: made by a newer Anvil' err || fail "$(cat err)"
status 3 "$script" assemble wrong -o no
grep -q '^script: wrong:3: slot: expected 0 to 63' err || fail "$(cat err)"
[ ! -e no ] || fail "a refused text left a file"
status 3 "$script" check missing
status 3 "$replay" missing
status 3 "$replay" --subject slab stored
grep -q 'a script for canary, not for slab' err || fail "$(cat err)"
mkdir nothing
status 3 "$replay" nothing
printf garbage >raw
status 3 "$replay" raw
status 0 "$replay" --subject canary raw
status 2 "$script" check raw
status 2 "$script" explode stored
status 2 "$script" check --what stored
status 2 "$replay" --frobnicate stored
status 2 "$replay" --repeat many stored
status 2 "$replay"
status 2 "$replay" --hunt nobody
status 2 "$replay" --hunt canary --expect surprise
status 4 "$script" assemble text -o /dev/full

# --- folders, hidden files too -----------------------------------------------------------------------
mkdir -p tree/.hidden/deep
cp stored tree/.hidden/deep/one
cp text tree/two
status 0 "$replay" tree
[ "$(wc -l <out)" = 2 ] || fail "expected two lines: $(cat out)"

# --- a thousand replays of a crasher: one outcome ----------------------------------------------------
status 0 "$replay" --repeat 1000 stored
status 0 "$replay" --repeat 20 "$canaries/poison"

# --- a report, in its order ---------------------------------------------------------------------------
grep -v '!expect' "$canaries/overlap" >plain
status 1 "$replay" plain
grep -q '^plain digest=[0-9a-f]\{16\} ops=6 oracle=overlap op=4$' out || fail "$(cat out)"
awk '/^panic: overlap canary.overlap$/ { a = NR } /^  seen: / { b = NR } /^subject canary$/ { c = NR }
     /^replay: tools\/bazel run \/\/tools:replay -- plain$/ { d = NR }
     END { exit !(a && a < b && b < c && c < d) }' err || fail "report: $(cat err)"
grep -v '!expect' "$canaries/poison" >plain
status 1 "$replay" plain
grep -q '^panic: poison canary.poison$' err || fail "$(cat err)"
tail -n 2 err | grep -q '^replay: tools/bazel run //tools:replay -- plain$' || fail "$(cat err)"
printf 'subject canary\n!expect leak\ntake 1\n' >silent
status 1 "$replay" silent
grep -q 'expected leak, but nothing fired' err || fail "$(cat err)"

# --- a write to memory that nobody gave: only the host can tell, so not in the corpus ----------------
printf 'subject canary\n!expect nondeterminism\ntake 1\nstray-write\ngive 1\n' >stray
status 0 "$replay" stray
status 0 "$replay" --repeat 5 stray
printf 'subject canary\n!expect nondeterminism\ntake 1\ngive 1\n' >silent
status 1 "$replay" silent

# --- hunts ---------------------------------------------------------------------------------------------
status 1 "$replay" --hunt canary --seed 3 --out found
finding=$(find found -type f ! -name '*.txt')
[ -f "$finding.txt" ] || fail "a finding and its text: $(ls found)"
tail -n 1 err | grep -qF "replay: tools/bazel run //tools:replay -- $finding" || fail "$(cat err)"
status 0 "$replay" "$finding" "$finding.txt"
cp out first
status 1 "$replay" --hunt canary --seed 3 --out found2
diff -r found found2 || fail "a hunt is not repeatable"
for oracle in overlap leak deadlock poison undefined must-fail; do
	status 0 "$replay" --hunt canary --runs 3000 --expect $oracle
done
# What is given twice is seen at once; what only a walk finds, at the next walk.
status 0 "$replay" --hunt canary --expect overlap --latency
grep -q '^latency=0 there=\([0-9]*\) reported=\1$' out || fail "$(cat out)"
status 0 "$replay" --hunt canary --expect walk --latency
sed -n 's/^latency=\([1-9][0-9]*\) there=\([0-9]*\) reported=\([0-9]*\)$/\1 \2 \3/p' out |
	awk '{ ok = $1 + $2 == $3 } END { exit !ok }' || fail "$(cat out)"

# --- a full disk: the text on the terminal is the finding -----------------------------------------------
(
	trap '' XFSZ
	ulimit -f 0
	"$replay" --hunt canary --seed 3 --out full 2>&1 >/dev/null | cat
) | cat >err
[ -z "$(find full -type f)" ] || fail "something was left behind: $(ls full)"
grep -q '^finding not saved: full: ' err || fail "$(cat err)"
sed -n '/^subject canary$/,/^$/p' err >pasted
status 0 "$replay" pasted
tail -n 1 "$finding.txt" >/dev/null
cut -d ' ' -f 2- out >pasted.out
head -n 1 first | cut -d ' ' -f 2- | cmp - pasted.out || fail "the pasted text is another script"
