#!/bin/sh
# boot_test.sh QEMU.SH IMAGE SMP:GIC:CPU:MIB... -- boots the image on each of these machines.
#
# Each boot must say which machine it found and the constants that it runs with, which are those of
# the documents, pass its self-test, and end with status 0.
set -u
qemu=$1
image=$2
shift 2

constants='pages 4096 B, blocks to 2^10, reserve 16; slabs 16 to 2048 B; heap node 24 B, window 256 MiB
early heap 2048 KiB, tick 10 ms; kernel stacks 8192 of 32 KiB, a guard page
and 8 words deadbeefcafebabe below each
by default 32 threads, 8 of them reserved, cooling 10 ms, collected after 100 ms
system stacks 512 KiB, user stacks 128 KiB; watchdog 100 and 5000 ms'

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
	missing=$(printf '%s\n' "$constants" | while read -r words; do
		case $log in *"$words"*) ;; *) printf '; not "%s"' "$words" ;; esac
	done)
	wrong=$wrong$missing
	if [ -n "$wrong" ]; then
		printf '%s\nFAIL %s: %s\n' "$log" "$machine" "$wrong"
		failed=1
	else
		echo "ok $machine"
	fi
done
exit "$failed"
