#!/bin/sh
# boot_test.sh QEMU.SH IMAGE SMP:GIC:CPU:MIB... -- boots the image on each of these machines.
#
# Each boot must say which machine it found, pass its self-test, and end with status 0.
set -u
qemu=$1
image=$2
shift 2

failed=0
for machine in "$@"; do
	# shellcheck disable=SC2046
	set -- $(echo "$machine" | tr : ' ')
	log=$("$qemu" --smp "$1" --gic "$2" --cpu "$3" --memory "$4" "$image" 2>&1)
	status=$?
	wrong=''
	[ "$status" -eq 0 ] || wrong="exit status $status"
	case $log in
	*"anvil "*": $1 CPUs, GICv$2, $4 MiB"*) ;;
	*) wrong="$wrong; another machine" ;;
	esac
	case $log in *" passed, 0 failed"*) ;; *) wrong="$wrong; no verdict" ;; esac
	case $log in *"out of memory"* | *panic:* | *"not ok"*) wrong="$wrong; bad words" ;; esac
	if [ -n "$wrong" ]; then
		printf '%s\nFAIL %s: %s\n' "$log" "$machine" "$wrong"
		failed=1
	else
		echo "ok $machine"
	fi
done
exit "$failed"
