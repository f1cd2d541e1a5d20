#!/bin/sh
# replay.sh REPLAY SCRIPT_TOOL PLAY RUN KERNEL QEMU_SH MKCPIO_SH PACKAGE_SH HEAP
#	TREE PACK [FLAG...] FILE|FOLDER...
#
# What //user/replay runs.  Scripts of system calls are run by the host program for what their tasks
# do (their scores), and that is done again by programs: on our kernel, and on Debian's Linux.  What
# a line comes to elsewhere than on the host is told, for the first such line of each script.
#
# Which program plays a score its first line says, "player NAME", or it is PLAY's.
#
# QEMU counts instructions, so that a boot is the same every time.
#
# Exit: 0 the same everywhere; 1 something differs; 2 usage; 3 a file is no script, or none of a
# subject that makes calls; 4 a package, the network or room is missing; 5 a kernel did not come to
# the end; 6 our kernel panicked.
set -u
export LC_ALL=C
command=replay
. tools/build/command.sh

usage() {
	[ $# -eq 0 ] || echo "replay: $*" >&2
	cat >&2 <<'END'
usage: tools/bazel run //user/replay -- [FLAG...] FILE|FOLDER...
  --on ours,linux      the kernels (ours)
  --cpus N             that ours has (1)
  --boots N            of ours, with archives that it must refuse, at most (3)
  --subject NAME       what raw bodies are for
  --generate NAME      instead of files: drawn scripts of that subject,
  --seed S --count N   of this seed (1), so many (100)
  --scores FILE        instead of scripts: scores as they are kept by --keep
  --keep FILE          keeps the scores
  --timeout SECONDS    for each kernel (120)
END
	exit 2
}

is_on() { case ,$kernels, in *,"$1",*) true ;; *) false ;; esac; }

replay=$(absolute "$1") script_tool=$(absolute "$2") play=$(absolute "$3") run=$(absolute "$4")
kernel=$(absolute "$5") qemu=$(absolute "$6") mkcpio=$(absolute "$7") package=$(absolute "$8")
shift 8
heap=$(absolute "$1") tree=$(absolute "$2") pack=$(absolute "$3")
shift 3
cd "${BUILD_WORKING_DIRECTORY:-.}" || exit 4

kernels=ours cpus=1 boots=3 subject='' generate='' seed=1 count=100 scores='' keep='' timeout=120
while [ $# -gt 0 ]; do
	case $1 in
	--on)
		[ $# -ge 2 ] || usage "--on needs kernels"
		kernels=$2
		for name in $(printf '%s' "$2" | tr , ' '); do
			case $name in ours | linux) ;; *) usage "no kernel is called $name" ;; esac
		done
		;;
	--subject | --generate | --scores | --keep)
		[ $# -ge 2 ] || usage "$1 needs a name"
		eval "${1#--}=\$2"
		;;
	--cpus | --boots | --seed | --count | --timeout)
		case ${2:-} in '' | *[!0-9]*) usage "$1 needs a number" ;; esac
		eval "${1#--}=\$2"
		;;
	-*) usage "unknown flag $1" ;;
	*) break ;;
	esac
	shift 2
done
[ -z "$generate$scores" ] || [ $# -eq 0 ] || usage "no files beside --generate or --scores"
[ -n "$generate$scores" ] || [ $# -gt 0 ] || usage "no file given"

work=$(mktemp -d) || fail 4 "no room for temporary files"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# --- scores ----------------------------------------------------------------------------------

if [ -n "$generate" ]; then
	"$script_tool" generate --subject "$generate" -o "$work/drawn" --seed "$seed" \
		--count "$count" >"$work/said" 2>&1 || fail 2 "$(head -n 1 "$work/said")"
	set -- "$work/drawn"
fi
if [ -n "$scores" ]; then
	cp "$scores" "$work/scores" 2>/dev/null || fail 3 "cannot read $scores"
else
	for path; do
		[ -e "$path" ] || fail 3 "there is no $path"
		find "$path" -follow -type f ! -name 'README*' | sort
	done >"$work/list"
	set --
	while IFS= read -r path; do set -- "$@" "$path"; done <"$work/list"
	"$replay" --score ${subject:+--subject "$subject"} "$@" >"$work/scores" 2>"$work/said"
	status=$?
	[ -n "$generate" ] && [ $status -eq 0 ] || cat "$work/said" >&2 # some drawn ones do nothing
	[ $status -eq 0 ] || exit $status
	sed "s|^score $work/|score |" "$work/scores" >"$work/named" && mv "$work/named" "$work/scores"
fi
[ -z "$keep" ] || cp "$work/scores" "$keep" || fail 4 "cannot write $keep"

# --- kernels ---------------------------------------------------------------------------------

# A file for each player, which has that player's scores: NAME.scores.
awk -v folder="$work" '
	BEGIN { name = "play" }
	/^score / { head = $0; next }
	head != "" {
		name = $1 == "player" ? $2 : "play"
		print head >folder "/" name ".scores"
		head = ""
	}
	{ print >folder "/" name ".scores" }' "$work/scores" || fail 4 "no room for scores"
for name in play heap tree; do
	[ -s "$work/$name.scores" ] || continue
	echo "/$name /$name.scores" >>"$work/etc_run"
	echo "file 644 $name.scores $work/$name.scores" >>"$work/parts"
done
[ -s "$work/etc_run" ] || fail 3 "there is no score"
cat >"$work/files" <<END
dir 755 dev
dir 755 proc
dir 755 tmp
file 755 init $run
file 755 play $play
file 755 heap $heap
file 755 tree $tree
file 644 etc/run $work/etc_run
END
cat "$work/parts" >>"$work/files"
sh "$mkcpio" "$work/initrd" "$work/files" || exit 4

# shellcheck disable=SC2086 # options of which there may be none
boot() { # NAME IMAGE [OPTION...]
	name=$1 image=$2
	shift 2
	cp "$work/initrd" "$work/all" || fail 4 "no room for an initrd"
	if [ -s "$work/tree.scores" ]; then
		"$pack" "$work/tree.scores" "$work/trees" "$name" || exit $?
		cat "$work/trees" >>"$work/all" || fail 4 "no room for an initrd"
	fi
	echo "replay: on $name ..." >&2
	{
		sh "$qemu" --cpu cortex-a72 --timeout "$timeout" "$@" "$image" -- -initrd "$work/all" \
			-icount shift=3,sleep=off </dev/null 2>&1
		echo $? >"$work/status"
	} | sed -u 's/\r$//' | tee "$work/log" | sed -nu "s/^differs /$name: &/p; s/^panic: /$name: &/p
		s/^replay: /$name: /p; s/^the player/$name: &/p"
	status=$(cat "$work/status")
	case $status in 0 | 1) ;; 6) exit 6 ;; *) fail "$status" "$name: $(tail -n 1 "$work/log")" ;; esac
	grep -q '^run: [0-9]* ended, ' "$work/log" || fail 5 "$name: $(tail -n 1 "$work/log")"
	sed -n 's/^run: end [^:]*: //p' "$work/log" | tr -d '\r' >"$work/ends"
	while read -r how; do
		case $how in
		'exit 0') ;;
		'exit 1') differs=1 ;;
		'exit 3') exit 3 ;;
		*) fail 4 "$name: a player ended with: $how" ;;
		esac
	done <"$work/ends"
}

# Archives that ours must refuse end a boot: one for each, up to $boots.
refuses() {
	base=$(wc -c <"$work/initrd") number=0
	while [ $((number += 1)) -le "$boots" ] &&
		"$pack" "$work/tree.scores" "$work/trees" "$number" >"$work/due"; do
		read -r at why <"$work/due"
		due="anvil: initrd: $why, at byte $((base + at))"
		cat "$work/initrd" "$work/trees" >"$work/all" || fail 4 "no room for an initrd"
		sh "$qemu" --cpu cortex-a72 --timeout "$timeout" --memory 256 "$kernel" -- \
			-initrd "$work/all" </dev/null >"$work/log" 2>&1
		tr -d '\r' <"$work/log" | grep -qxF "$due" && continue
		echo "ours: differs archive $number of those refused: $due: here" \
			"$(tr -d '\r' <"$work/log" | grep -m 1 '^anvil: initrd\|^run: ')"
		differs=1
	done
	echo "ours: $((number - 1)) refused archives"
}

differs=0
# Beside others, a CPU that counts instructions gets its turns only where they are fair.
if is_on ours; then boot ours "$kernel" --memory 256 --smp "$cpus" --append fair; fi
if is_on ours && [ -s "$work/tree.scores" ]; then refuses; fi
if is_on linux; then
	out=$PWD/anvil-out/linux
	mkdir -p "$out" || fail 4 "cannot write to $out"
	sh "$package" "$out" || exit $?
	boot linux "$out/vmlinuz" --no-host --memory 512 --append "console=ttyAMA0 quiet panic=-1"
fi
exit "$differs"
