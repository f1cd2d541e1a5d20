# fuzz_common.sh -- what the launchers of both engines share.  Sourced; POSIX sh.
#
# Flags of ours begin with two hyphens, the engine's with one; what begins with none is a file.
# `bazel run` starts us in the runfiles tree; files and output belong where the user stands.

target=$1 subject=$2 replay=$PWD/$3 corpus=$PWD/$4 dict=$PWD/$5 minimise=$PWD/$6 explain=$7
[ "$explain" = none ] || explain=$PWD/$explain
stand=${BUILD_WORKING_DIRECTORY:-$PWD}
root=$stand/anvil-out jobs=$(nproc) cap_mib=1024
clean=no mode=fuzz seconds= regression=no stopped=
shift 7
settle_most=8 settle_runs=2000 # findings made small, and executions for each

usage() {
	[ $# -eq 0 ] || echo "$target: $*" >&2
	cat >&2 <<END
usage: bazel run //fuzz:$target -- [flags] [engine's flags] [FILE...]
  FILE...          replay these and stop
  --jobs=N         processes ($jobs)
  --timeout_secs=N stop after so many seconds
  --cap_mib=N      stop when the output folder has grown to so many MiB ($cap_mib)
  --clean          empty the output folder first
  --regression     replay the corpus first
  --merge          reduce the corpus to what covers as much, and stop
  --fuzzing_output_root=DIR   output goes to DIR/$target (anvil-out)
END
	exit 2
}

number() {
	case $2 in '' | *[!0-9]*) usage "$1: expected a number, not '$2'" ;; esac
}

# Sets one of our flags; $1 is the whole argument.
own_flag() {
	value=${1#*=}
	case $1 in
	--jobs=*) number "$1" "$value" && jobs=$value ;;
	--timeout_secs=*) number "$1" "$value" && seconds=$value ;;
	--cap_mib=*) number "$1" "$value" && cap_mib=$value ;;
	--fuzzing_output_root=/*) root=$value ;;
	--fuzzing_output_root=*) root=$stand/$value ;;
	--clean) clean=yes ;;
	--noclean) clean=no ;;
	--regression) regression=yes ;;
	--noregression) regression=no ;;
	--merge) mode=merge ;;
	--help) (usage) 2>&1 || exit 0 ;;
	*) usage "unknown flag $1" ;;
	esac
}

no_room() {
	rm -f "$out/logs/.room"
	echo "$target: no room for a MiB in $out" >&2
	exit 4
}

# Makes the output folder; leaves its name in $out.
open_output() {
	out=$root/$target
	[ $clean = no ] || rm -rf "$out"
	why=$(mkdir -p "$out/corpus" "$out/artifacts" "$out/logs" 2>&1) || {
		echo "$target: $why" | head -n 1 >&2
		exit 4
	}
	stamp=$out/logs/.started
	# The engines lose their way on a full disk, and do not say that it is one.
	head -c 1048576 /dev/zero 2>/dev/null >"$out/logs/.room" || no_room
	rm -f "$out/logs/.room" "$out/logs/.full"
	: >"$stamp" || exit 4
	[ $regression = no ] || "$replay" --subject "$subject" "$corpus" || exit
}

# Stops process group $1 when the output folder is full.  Runs beside the engine.
watch_size() {
	while sleep 5; do
		kib=$(du -sk "$out" | cut -f 1)
		[ "$kib" -gt $((cap_mib * 1024)) ] || continue
		echo "$target: $out holds $cap_mib MiB (--cap_mib); stopping." \
			"--merge makes it smaller." >&2
		: >"$out/logs/.full"
		kill -INT "-$1"
		return
	done
}

# Waits for process $1, through signals that are for it; its status is left in $status.
wait_for() {
	status=0
	wait "$1" || status=$?
	while kill -0 "$1" 2>/dev/null; do
		status=0
		wait "$1" || status=$?
	done
}

# What we end with: 0 when the cap ended it, 72 (libFuzzer's for "interrupted") when a signal did,
# else the engine's own.
leave() {
	[ ! -e "$out/logs/.full" ] || exit 0
	[ -z "$stopped" ] || exit 72
	exit "$status"
}

# What was found since we started, below the folders given.
found_below() {
	find "$@" -type f -newer "$stamp" ! -name '*.txt' ! -name '*.part' ! -name 'README*' | sort
}

# Waits for a program of ours in the background; a signal that is for us ends it, and all further
# ones.
run_settling() {
	"$@" &
	settling=$!
	trap 'gave_up=yes; kill $settling 2>/dev/null' INT TERM HUP
	wait_for $settling
	return "$status"
}

# Makes finding $1 small: the fewest operations and turns that fire its oracle, written as decisions
# that outlive a rebuild.  In $out/small then are the script, its text, and, where operations run
# side by side, a drawing of the run; the script's name is left in $small.  What was found stays
# where it is, whatever happens here.
settle() {
	work=$out/small/.work
	rm -rf "$work"
	mkdir -p "$work"
	small=
	run_settling "$minimise" --subject "$subject" --budget $settle_runs -o "$work/script" "$1" \
		>"$work/text" 2>"$work/said" || return 0
	grep '^after: ' "$work/said" >&2 || :
	oracle=$(sed -n 's/^!expect //p' "$work/text")
	name=$out/small/$subject-$oracle-$(cksum <"$work/script" | cut -d ' ' -f 1)
	[ "$explain" = none ] ||
		run_settling "$explain" -o "$work/drawing" "$work/script" >/dev/null 2>&1 || :
	mv "$work/text" "$name.txt"
	[ ! -s "$work/drawing" ] || mv "$work/drawing" "$name.svg"
	mv "$work/script" "$name"
	small=$name
}

# Makes small what was found below the folders given, the newest last: a signal ends that.
settle_found() {
	settled= gave_up=no was=$status
	ours=$(echo "$found" | grep "/artifacts/$subject-") || ours=$found # the engine's are the same
	for file in $(echo "$ours" | tail -n $settle_most); do
		[ $gave_up = no ] || break
		echo "$target: making $file small; a signal ends that" >&2
		settle "$file"
		[ -z "$small" ] || settled=$small
	done
	rm -rf "$out/small/.work"
	status=$was
}

# The last line: how to see again what was found since we started.  What was made small comes first;
# a finding of ours says what it is for; what only the engine kept does not.
say_how_to_replay() {
	found=$(found_below "$@")
	[ -n "$found" ] || return 0
	settle_found "$@"
	ours=$(echo "$found" | grep "/artifacts/$subject-" | tail -n 1) || :
	if [ -n "$settled" ]; then
		echo "replay: tools/bazel run //tools:replay -- $settled" >&2
	elif [ -n "$ours" ]; then
		echo "replay: tools/bazel run //tools:replay -- $ours" >&2
	else
		echo "replay: tools/bazel run //tools:replay -- --subject $subject" \
			"$(echo "$found" | tail -n 1)" >&2
	fi
}
