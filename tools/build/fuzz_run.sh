#!/bin/sh
# usage: fuzz_run.sh TARGET SUBJECT REPLAY CORPUS DICT MINIMISE EXPLAIN PROGRAM [argument...]
#
# Fuzzes with libFuzzer until stopped or until something is found; see usage() for the arguments.
# Output: TARGET/{corpus,artifacts,small,logs} in anvil-out where the user stands.
set -eu
. ./tools/build/fuzz_common.sh
program=$PWD/$1
shift

# libFuzzer itself only warns of a flag that it does not know, and fuzzes without it.
engine_flag() {
	name=${1#-}
	"$program" -help=1 2>&1 | grep -q "^ ${name%%=*}[[:space:]]" || usage "unknown flag $1"
}

files=no parallel=yes
for argument; do
	shift
	case $argument in
	--*) own_flag "$argument" ;;
	-*) engine_flag "$argument" ;;
	esac
	case $argument in
	--*) ;;
	-runs=* | -fork=* | -jobs=* | -merge=* | -minimize_crash=* | -help=*)
		parallel=no
		set -- "$@" "$argument"
		;;
	-*) set -- "$@" "$argument" ;;
	*)
		files=yes
		set -- "$@" "$argument"
		;;
	esac
done
[ $files = no ] || exec "$replay" --subject "$subject" "$@"

open_output
export ANVIL_FINDINGS="$out/artifacts"

# libFuzzer names its temporary files by process number, which is not unique across containers.
TMPDIR=$(mktemp -d "$out/tmp.XXXXXX")
export TMPDIR

if [ $mode = merge ]; then
	rm -rf "$out/corpus.merged"
	mkdir "$out/corpus.merged"
	"$program" -merge=1 "$@" "$out/corpus.merged" "$out/corpus" "$corpus/seeds"
	rm -rf "$out/corpus" "$TMPDIR"
	mv "$out/corpus.merged" "$out/corpus"
	exit 0
fi

[ $parallel = no ] || [ "$jobs" -le 1 ] || set -- "-fork=$jobs" "$@"
[ -z "$seconds" ] || set -- "-max_total_time=$seconds" "$@"

# In a session of its own, so that all its processes can be told to stop at once.
pipe=$TMPDIR/words
mkfifo "$pipe"
(
	trap '' INT
	exec tee -a "$out/logs/libfuzzer.log" <"$pipe" >&2
) &
tee=$!
setsid "$program" -artifact_prefix="$out/artifacts/" -dict="$dict" -max_len=16384 -timeout=25 \
	-rss_limit_mb=2560 -print_final_stats=1 -print_funcs=0 "$@" \
	"$out/corpus" "$corpus/seeds" >"$pipe" 2>&1 &
engine=$!
trap 'stopped=yes; kill -INT "-$engine" 2>/dev/null' INT TERM HUP
watch_size $engine &
watcher=$!
wait_for $engine
kill $watcher 2>/dev/null || :
wait $tee || :
rm -rf "$TMPDIR"
say_how_to_replay "$out/artifacts"
# Under -fork, libFuzzer passes over what its first look at the corpus finds, and over what the last
# jobs find after the time is up.
[ "$status" -ne 0 ] || [ -z "${ours:-}" ] || status=77
leave
