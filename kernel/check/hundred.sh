#!/bin/sh
# hundred.sh QEMU.SH HALT SCHED INIT PROBES [RUNS [SECONDS]] -- so many runs in a row, and how they ended.
#
#	tools/bazel run //kernel:hundred -- 100
#
# Each run is a boot with its self-test and what the image does: nothing more (HALT), ends of threads by
# the hundred (SCHED), Linux's programs (INIT with PROBES).  These take turns, and so do 1, 2, 4 and 8
# CPUs; half of the runs are free running, the others by counted instructions at four speeds.  A run that
# has not ended after SECONDS (120) is a freeze.
#
# Exit: 0 all ended well; 1 not.
set -u
export LC_ALL=C
qemu=$1 halt=$2 sched=$3 init=$4 probes=$5
runs=${6:-100} seconds=${7:-120}
for number in "$runs" "$seconds"; do
	case $number in '' | *[!0-9]* | 0*)
		echo "usage: //kernel:hundred [-- RUNS [SECONDS]]" >&2
		exit 2
		;;
	esac
done
log=$(mktemp) || exit 4
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

# run NUMBER: boots, the log in $log.
run() {
	cpus=$((1 << $1 % 4))
	image=$halt words='' file=''
	case $(($1 / 4 % 3)) in
	1) image=$sched words="exits=50" ;;
	2) image=$init file=$probes ;;
	esac
	set -- $(($1 / 12 % 8))
	if [ "$1" -ge 4 ]; then set -- "$1" -icount "shift=$(($1 - 2)),sleep=off"; fi
	how="$(basename "$image") on $cpus${2:+, counted: $3}"
	shift
	[ -z "$file" ] || set -- "$@" -initrd "$file"
	"$qemu" --smp "$cpus" --timeout "$seconds" --append "$words" "$image" -- "$@" >"$log" 2>&1
}

well=0 frozen=0 badly=0 n=0
while [ "$n" -lt "$runs" ]; do
	run "$n"
	status=$?
	case $status in
	0) well=$((well + 1)) ;;
	5) frozen=$((frozen + 1)) ;;
	*) badly=$((badly + 1)) ;;
	esac
	if [ "$status" -ne 0 ]; then
		tail -n 20 "$log"
		echo "run $n: status $status: $how"
	fi
	n=$((n + 1))
done
echo "$runs runs in a row: $well ended well, $badly badly, $frozen froze"
[ "$well" -eq "$runs" ]
