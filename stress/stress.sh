#!/bin/sh
# stress.sh QEMU_SH KERNEL STRESS [FLAG...]
#
# What //stress:* runs: boots the kernel with a stress, shows its progress, keeps the log, the line
# of JSON and a picture of memory over time in anvil-out/stress/ of the folder where the user stands.
#
# By default QEMU's CPUs take turns and count instructions (-icount), so a run is the same every
# time.  With --parallel each has a thread of the host: real parallelism, and another run each time.
# Who waits for a lock rests (machine/lock.c), so more CPUs than the host has do not burn its time.
#
# Exit: 0 memory stabilised; 1 it did not, or another check failed; 2 usage; 4 a package is missing or
# the disk is full; 5 no end; 6 the kernel panicked.
set -u
command=stress
. tools/build/command.sh

usage() {
	[ $# -eq 0 ] || echo "stress: $*" >&2
	cat >&2 <<'END'
usage: tools/bazel run //stress:NAME -- [FLAG...]
  --cpus N            1 to 8 (4)
  --memory MIB        64 to 4096 (128)
  --seed S            of all that is random (1)
  --cycles K          that are compared, at least 4 (4)
  --ops N             operations of each CPU in each cycle (20000; maps: 100000)
  --no-exhaustion     do not take all memory in each cycle
  --must-not-fail     with all memory taken, ask for more in a way that may not fail: a panic
  --parallel          CPUs run freely, each on a thread of the host
  --reap FORM         when dead threads are reaped: after (the switch), idle, before (the next)
  --hard              the kernel fills, fences and keeps aside what is freed
  --leak N            lose a page at every so many-th operation; --leak-object N: an object (spawn: a
                      stack)
  --corrupt N         flip a bit of somebody's memory at that operation
  --tlbtrace          keep a trace of page tables, for tools/bazel run //tools:tlbtrace -- FILE
  --out FOLDER        for log, JSON and picture (anvil-out/stress)
  --timeout SECONDS   until it counts as a hang (1800)
END
	exit 2
}

qemu_sh=$(absolute "$1") kernel=$(absolute "$2") name=$3
shift 3
# Where this run is kept is no part of what is to be done again.
again="tools/bazel run //stress:$name --$(printf '%s' " $*" | sed 's/ --out [^ ]*//g')"

cpus=4 memory=128 seed=1 cycles=4 ops=20000 timeout=1800 out=anvil-out/stress
exhaust=exhaust turns=yes trace='' words=''
while [ $# -gt 0 ]; do
	case $1 in
	--no-exhaustion) exhaust='' ;;
	--parallel) turns='' ;;
	--tlbtrace) trace=yes ;;
	--must-not-fail | --hard) words="$words ${1#--}" ;;
	--cpus | --memory | --seed | --cycles | --ops | --timeout | --leak | --leak-object | --corrupt | --reap | --out)
		[ $# -ge 2 ] || usage "$1 wants a value"
		case $1 in
		--cpus) number "$1" "$2" 1 8 && cpus=$2 ;;
		--memory) number "$1" "$2" 64 4096 && memory=$2 ;;
		--seed) number "$1" "$2" 0 999999999 && seed=$2 ;;
		--cycles) number "$1" "$2" 4 100000 && cycles=$2 ;;
		--ops) number "$1" "$2" 1 10000000 && ops=$2 ;;
		--timeout) number "$1" "$2" 1 1000000 && timeout=$2 ;;
		--leak) number "$1" "$2" 1 999999999 && words="$words lose-page=$2" ;;
		--leak-object) number "$1" "$2" 1 999999999 && words="$words lose-object=$2" ;;
		--corrupt) number "$1" "$2" 1 999999999 && words="$words corrupt=$2" ;;
		--reap)
			case $2 in after | idle | before) ;; *) usage "--reap is after, idle or before" ;; esac
			words="$words reap=$2"
			;;
		--out) out=$2 ;;
		esac
		shift
		;;
	--help) (usage) 2>&1; exit 0 ;;
	*) usage "unknown flag $1" ;;
	esac
	shift
done
# An eighth of the memory.
[ -z "$trace" ] || words="$words tlbtrace=trace tlbtrace-events=$((memory * 4096))"
case $words in
*must-not-fail*) [ -n "$exhaust" ] || usage "--must-not-fail needs memory to be exhausted" ;;
esac

cd "${BUILD_WORKING_DIRECTORY:-.}" || exit 4
mkdir -p "$out" 2>/dev/null || fail 4 "cannot make $out"
base=$out/$name-seed$seed
work=$(mktemp -d) || fail 4 "no room for temporary files"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

set --
[ -z "$turns" ] || set -- -- -icount shift=3,sleep=off
[ -z "$turns" ] || words="$words even"
{
	(cd "$work" && sh "$qemu_sh" --smp "$cpus" --memory "$memory" --timeout "$timeout" --append \
		"stress=$name out=samples seed=$seed cycles=$cycles operations=$ops $exhaust$words" \
		"$kernel" "$@" 2>&1)
	echo $? >"$work/status"
} | tee "$work/log" | grep -v '^{"stress"'
status=$(cat "$work/status")

# --- what is kept -----------------------------------------------------------------------------------

picture() {
	command -v gnuplot >/dev/null 2>&1 || {
		echo "stress: no picture without gnuplot; install the Debian package gnuplot-nox" >&2
		return
	}
	[ -s "$work/samples" ] || return
	gnuplot >/dev/null <<END || echo "stress: gnuplot could not draw the picture" >&2
set terminal svg size 1000,420 dynamic
set output "$work/svg"
set title "$name: memory over $cycles cycles and a warm-up, $cpus CPUs, $memory MiB, seed $seed"
set xlabel "seconds of the machine's time"
set ylabel "MiB"
set yrange [0:*]
set key outside
plot "$work/samples" using 1:(\$3/1024) with steps lw 1.5 title "pages in use", \
	"" using 1:(\$4/1024) with steps title "in CPUs' page caches", \
	"" using 1:(\$5/1024) with steps title "bytes that users have", \
	"" using (\$6 == 1 ? \$1 : NaN):(\$3/1024) with points pt 7 ps 0.7 title "at rest"
END
}

keep() { # FILE NAME
	[ -s "$work/$1" ] || return 0
	cp "$work/$1" "$base.$2" 2>/dev/null || fail 4 "cannot write $base.$2"
	kept="$kept $base.$2"
}

kept=''
picture
grep '^{"stress"' "$work/log" >"$work/json"
keep log log
keep json json
keep samples samples
keep svg svg
keep trace trace
echo "stress: kept$kept" >&2
[ "$status" -eq 0 ] || echo "again: $again" >&2
exit "$status"
