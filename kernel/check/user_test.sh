#!/bin/sh
# user_test.sh QEMU.SH IMAGE -- users' addresses by hand-made tables: one and several CPUs, GIC 2
# and 3, each CPU model (of which max has PAN), free running and by counted instructions.
set -u
qemu=$1
image=$2
failed=0

run() { # NAME WORDS OPTION...
	name=$1
	words=$2
	shift 2
	log=$("$qemu" --timeout 200 "$@" 2>&1)
	status=$?
	case $status:$log in
	0:*"user: $words"*) echo "ok $name" ;;
	*)
		printf '%s\nFAIL %s: exit status %s\n' "$log" "$name" "$status"
		failed=1
		;;
	esac
}

run one "16-bit ASIDs, no PAN" "$image"
run two-gic2 "16-bit ASIDs, no PAN" --smp 2 --gic 2 --cpu cortex-a72 "$image"
run two-max "16-bit ASIDs, PAN" --smp 2 --cpu max "$image"
run four-el2 "16-bit ASIDs, PAN" --smp 4 --machine virtualization=on --cpu max "$image"
run eight "16-bit ASIDs, no PAN" --smp 8 "$image" -- -icount shift=3,sleep=off
exit "$failed"
