#!/bin/sh
# usage: fuzz_launch_test.sh SUBJECT REPLAY CORPUS DICT PROGRAM AFL_PROGRAM MUTATOR QUIET_PROGRAM
#
# The launchers, with a subject in which something is found at once, and with a program of another
# in which nothing is, for what goes on until it is stopped.
set -eu
subject=$1 replay=$2 corpus=$3 dict=$4 program=$5 afl_program=$6 mutator=$7 quiet_program=$8
here=${TEST_TMPDIR:-$(mktemp -d)}
BUILD_WORKING_DIRECTORY=$here/stand
export BUILD_WORKING_DIRECTORY
mkdir -p "$here/stand"

fail() {
	echo "fuzz_launch_test: $*" >&2
	cat "$here/out" >&2
	exit 1
}

# launch WANTED [argument...]: the libFuzzer launcher; its words are left in $here/out.
launch() {
	wanted=$1 got=0
	shift
	tools/build/fuzz_run.sh target "$subject" "$replay" "$corpus" "$dict" "$program" "$@" \
		>"$here/out" 2>&1 || got=$?
	[ $got = "$wanted" ] || fail "status $got, not $wanted: $*"
}

launch_afl() {
	wanted=$1 got=0
	shift
	tools/build/fuzz_afl.sh target_afl "$subject" "$replay" "$corpus" "$dict" "$afl_program" \
		"$mutator" "$@" >"$here/out" 2>&1 || got=$?
	[ $got = "$wanted" ] || fail "status $got, not $wanted: afl $*"
}

launch 2 --frobnicate
launch 2 --jobs=many
launch 2 -frobnicate=1
grep -q '^target: unknown flag -frobnicate=1$' "$here/out" || fail "another engine's flag"
launch 0 --help
grep -q '^usage: ' "$here/out" || fail "no usage"
[ ! -e "$here/stand/anvil-out" ] || fail "a wrong flag made a folder"
launch 4 --fuzzing_output_root=/proc/none
[ "$(wc -l <"$here/out")" -eq 1 ] || fail "more than a line"

# Seeds that are quiet go through; a run that is bounded ends by itself.
launch 0 -runs=0
[ -d "$here/stand/anvil-out/target/corpus" ] || fail "no output folder where the user stands"

# Found, saved, and the last line says how to see it again.
launch 77 -seed=1 -runs=100000
line=$(tail -n 1 "$here/out")
finding=${line#replay: tools/bazel run //tools:replay -- }
[ "$finding" != "$line" ] && [ -f "$finding" ] && [ -f "$finding.txt" ] || fail "last line: $line"
grep -q "^panic: [a-z-]* $subject\." "$here/out" || fail "no signature line"
launch 0 "$finding"
launch 0 "$finding.txt"
sed '/^!expect/d' "$finding.txt" >"$here/plain"
launch 1 "$here/plain"

# Found when the engine no longer listens: it is a finding all the same.
cat >"$here/late" <<'END'
#!/bin/sh
sleep 0.2 # newer than the start, by any file system's clock
echo >"$ANVIL_FINDINGS/canary-assert-0123456789abcdef"
END
chmod +x "$here/late"
found_by=$program program=$(realpath --relative-to="$PWD" "$here")/late
launch 77
grep -q '^replay: .*canary-assert-0123456789abcdef$' "$here/out" || fail "a late finding is not told"
program=$found_by

# Two processes; another folder; emptied first.
launch 77 --jobs=2 --clean --fuzzing_output_root=elsewhere
ls "$here/stand/elsewhere/target/artifacts" | grep -q "^$subject-" || fail "nothing elsewhere"

launch 0 --merge --fuzzing_output_root=elsewhere
[ -n "$(ls "$here/stand/elsewhere/target/corpus")" ] || fail "an empty corpus after --merge"

# Full, or told to stop: everything ends, and nothing is left but the output.
program=$quiet_program
launch 0 --jobs=2 --cap_mib=0 --fuzzing_output_root=full
grep -q 'holds 0 MiB (--cap_mib); stopping' "$here/out" || fail "no word of the cap"
tools/build/fuzz_run.sh target "$subject" "$replay" "$corpus" "$dict" "$program" --jobs=2 \
	--fuzzing_output_root=stopped >"$here/out" 2>&1 &
launcher=$!
sleep 3
kill -TERM $launcher
got=0
wait $launcher || got=$?
[ $got = 72 ] || fail "status $got after a signal"
for folder in full stopped; do
	left=$(find "$here/stand/$folder" -name 'tmp.*')
	[ -z "$left" ] || fail "left behind: $left"
done
! ps -ef | grep -v grep | grep -q "artifact_prefix=$here/" || fail "something still runs"

launch_afl 2 --frobnicate
launch_afl 0 "$finding"
mkdir "$here/bin"
for tool in dirname nproc env sh; do ln -s "$(command -v $tool)" "$here/bin/$tool"; done
kept=$PATH
PATH=$here/bin
launch_afl 4
PATH=$kept
grep -q 'install the Debian package afl++' "$here/out" || fail "which package?"
