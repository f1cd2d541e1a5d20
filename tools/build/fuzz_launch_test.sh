#!/bin/sh
# usage: fuzz_launch_test.sh SUBJECT REPLAY CORPUS DICT PROGRAM AFL_PROGRAM MUTATOR QUIET_PROGRAM
#        MINIMISE MINIMISE_RACE EXPLAIN_RACE SMP_PROGRAM SMP_CORPUS SMP_DICT
#
# The launchers, with a subject in which something is found at once, and with a program of another
# in which nothing is, for what goes on until it is stopped.
set -eu
subject=$1 replay=$2 corpus=$3 dict=$4 program=$5 afl_program=$6 mutator=$7 quiet_program=$8
shift 8
minimise=$1 explain=none smp_minimise=$2 smp_explain=$3 smp_program=$4 smp_corpus=$5 smp_dict=$6
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
	tools/build/fuzz_run.sh target "$subject" "$replay" "$corpus" "$dict" "$minimise" \
		"$explain" "$program" "$@" >"$here/out" 2>&1 || got=$?
	[ $got = "$wanted" ] || fail "status $got, not $wanted: $*"
}

launch_afl() {
	wanted=$1 got=0
	shift
	tools/build/fuzz_afl.sh target_afl "$subject" "$replay" "$corpus" "$dict" "$minimise" \
		"$explain" "$afl_program" "$mutator" "$@" >"$here/out" 2>&1 || got=$?
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

# Found, saved, made small, and the last line says how to see it again.
launch 77 -seed=1 -runs=100000
line=$(tail -n 1 "$here/out")
finding=${line#replay: tools/bazel run //tools:replay -- }
[ "$finding" != "$line" ] && [ -f "$finding" ] && [ -f "$finding.txt" ] || fail "last line: $line"
case $finding in */target/small/*) ;; *) fail "not made small: $line" ;; esac
raw=$(find "$here/stand/anvil-out/target/artifacts" -type f -name "$subject-*[!t]")
[ -f "$raw" ] && [ -f "$raw.txt" ] || fail "what was found is gone: $raw"
[ "$(wc -l <"$finding.txt")" -le "$(wc -l <"$raw.txt")" ] || fail "larger than before"
grep -q "^panic: [a-z-]* $subject\." "$here/out" || fail "no signature line"
launch 0 "$finding"
launch 0 "$finding.txt"
launch 0 "$raw"
sed '/^!expect/d' "$finding.txt" >"$here/plain"
launch 1 "$here/plain"

# Side by side: decisions that outlive a rebuild, and a drawing.
launch_smp() {
	sequential="$subject $program $corpus $dict $minimise"
	subject=canary_smp program=$smp_program corpus=$smp_corpus dict=$smp_dict
	minimise=$smp_minimise explain=$smp_explain
	launch "$@"
	explain=none
	# Labels hold no spaces.
	# shellcheck disable=SC2086
	set -- $sequential
	subject=$1 program=$2 corpus=$3 dict=$4 minimise=$5
}
launch_smp 77 -seed=1 -runs=100000 --fuzzing_output_root=smp
small=$(sed -n '$s/^replay: .* -- //p' "$here/out")
case $small in */smp/target/small/canary_smp-*) ;; *) fail "not made small: $small" ;; esac
! grep -q 'strategy=\|^after ' "$small.txt" || fail "not listed: $(cat "$small.txt")"
[ "$(grep -c '^at \|^calls ' "$small.txt")" -le 4 ] || fail "many turns: $(cat "$small.txt")"
head -c 4 "$small.svg" | grep -q '<svg' || fail "no drawing beside $small"

# A signal while it is being made small: what was found is there, and told.
cat >"$here/slow" <<'END'
#!/bin/sh
exec sleep 60
END
chmod +x "$here/slow"
rm "$here/out"
fast=$minimise minimise=$(realpath --relative-to="$PWD" "$here")/slow
tools/build/fuzz_run.sh target "$subject" "$replay" "$corpus" "$dict" "$minimise" none \
	"$program" -seed=1 -runs=100000 --fuzzing_output_root=hasty >"$here/out" 2>&1 &
launcher=$!
until grep -qs 'a signal ends that' "$here/out"; do sleep 0.1; done
sleep 0.3
kill -TERM $launcher
got=0
wait $launcher || got=$?
[ $got = 77 ] || fail "status $got after a signal to who makes small"
tail -n 1 "$here/out" | grep -q "^replay: .*/hasty/target/artifacts/$subject-" || fail "not told"
minimise=$fast

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
tools/build/fuzz_run.sh target "$subject" "$replay" "$corpus" "$dict" "$minimise" "$explain" \
	"$program" --jobs=2 \
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
