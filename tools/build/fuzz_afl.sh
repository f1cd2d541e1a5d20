#!/bin/sh
# usage: fuzz_afl.sh TARGET SUBJECT REPLAY CORPUS DICT MINIMISE EXPLAIN PROGRAM MUTATOR [argument...]
#
# Fuzzes with AFL++ until stopped: one main process and, for each further core, a secondary one.
# Output: TARGET/{afl,small,logs} in anvil-out where the user stands.
set -eu
. ./tools/build/fuzz_common.sh
program=$PWD/$1 mutator=$PWD/$2
shift 2
command -v afl-fuzz >/dev/null || {
	echo "$target: no afl-fuzz; install the Debian package afl++" >&2
	exit 4
}

for argument; do
	shift
	case $argument in
	--) usage "one -- is enough" ;;
	--merge) usage "--merge is libFuzzer's; AFL++ has afl-cmin" ;;
	--*) own_flag "$argument" ;;
	*) set -- "$@" "$argument" ;;
	esac
done
# `-V 60` is a flag and its value; a first argument without hyphen can only be a file.
case ${1-} in
'' | -*) ;;
*) exec "$replay" --subject "$subject" "$@" ;;
esac

open_output
[ -z "$seconds" ] || set -- -V "$seconds" "$@"
export AFL_CUSTOM_MUTATOR_LIBRARY="$mutator"
export AFL_SKIP_CPUFREQ="${AFL_SKIP_CPUFREQ:-1}"
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="${AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES:-1}"
export AFL_NO_UI="${AFL_NO_UI:-1}"
export AFL_NO_COLOR="${AFL_NO_COLOR:-1}"
export AFL_AUTORESUME="${AFL_AUTORESUME:-1}"

# fuzz ROLE NAME LOG [argument...]: starts one; -x only when the dictionary says anything.
fuzz() {
	role=$1 name=$2 log=$3
	shift 3
	! grep -q '^[^#]' "$dict" || set -- -x "$dict" "$@"
	setsid afl-fuzz -i "$corpus/seeds" -o "$out/afl" "$role" "$name" -t 5000 "$@" -- "$program" \
		>>"$log" 2>&1 &
}

others= n=1
while [ $n -lt "$jobs" ]; do
	fuzz -S "secondary$n" "$out/logs/secondary$n.log" "$@"
	others="$others -$!"
	n=$((n + 1))
done
fuzz -M main "$out/logs/main.log" "$@"
engine=$!
tail -n +1 -f "$out/logs/main.log" --pid=$engine >&2 &
tail=$!
trap 'stopped=yes; kill -INT "-$engine" 2>/dev/null' INT TERM HUP
watch_size $engine &
watcher=$!
wait_for $engine
kill $watcher 2>/dev/null || :
for group in $others; do
	kill -INT "$group" 2>/dev/null || :
done
wait $tail || :
say_how_to_replay "$out"/afl/*/crashes
leave
