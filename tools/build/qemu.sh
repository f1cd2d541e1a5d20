#!/bin/sh
# qemu.sh [OPTION...] IMAGE [-- QEMU-OPTION...] -- boots an image as all our tests and tools do.
#
#   --smp N       CPUs (1)                   --memory MIB   RAM (128)
#   --gic N       2 or 3 (3)                 --cpu MODEL    cortex-a57, cortex-a72, max (cortex-a57)
#   --machine M   more for -M, as "virtualization=on"
#   --append "A"  boot arguments, beside "semihosting"
#   --timeout S   seconds until it counts as a hang (60); 0: it may take for ever
#   --terminal    a person's: raw, with QEMU's own keys behind Ctrl-A (X: leave it)
#   --no-host     without semihosting: then the exit status says nothing of the guest
#
# With -icount and several CPUs these take turns, and QEMU before 8.1 is not fair: whose turn it is
# has it until the next timer of any CPU is due, and those behind it in the row have what is left of
# that, mostly nothing; and a CPU that sets a timer which is the next to come due is thrown out, and
# its neighbour may spin until that time has come.  So where a program spins at EL0 without a call,
# the CPUs beside it may run nothing but their timers' handlers, for ever.  WFI, WFE, YIELD and an
# interrupt for another CPU end a turn: the kernel's loops have one of them; for programs whose loops
# have not, the boot argument "fair" sees to it that all CPUs get on (kernel/fair.c).  In QEMU's text:
# accel/tcg/tcg-accel-ops-icount.c, tcg-accel-ops-rr.c, softmmu/cpu-timers.c.
#
# The serial line is on standard input and output.  Exit status: the guest's own (0 ok, 1 finding,
# 3 bad input, 6 panic), or 2 usage, 4 no QEMU or QEMU's own complaint, 5 timeout.
set -u

usage() {
	sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

smp=1 memory=128 gic=3 cpu=cortex-a57 machine='' append='' timeout=60 host=1 image='' serial=stdio
while [ $# -gt 0 ]; do
	case $1 in
	--smp | --memory | --gic | --cpu | --machine | --append | --timeout)
		[ $# -ge 2 ] || usage
		eval "${1#--}=\$2"
		shift 2
		;;
	--terminal)
		serial=mon:stdio
		shift
		;;
	--no-host)
		host=''
		shift
		;;
	--)
		shift
		break
		;;
	-*) usage ;;
	*)
		[ -z "$image" ] || usage
		image=$1
		shift
		;;
	esac
done
[ -n "$image" ] || usage

if [ ! -r "$image" ]; then
	echo "qemu.sh: cannot read $image" >&2
	exit 3
fi
if ! command -v qemu-system-aarch64 >/dev/null; then
	echo "qemu.sh: no qemu-system-aarch64: install the Debian package qemu-system-arm" >&2
	exit 4
fi

[ "$cpu" = max ] && cpu=max,pauth-impdef=on
if [ -n "$host" ]; then
	set -- -semihosting-config enable=on,target=native "$@"
	append="semihosting${append:+ $append}"
fi

complaints=$(mktemp) || exit 4
trap 'rm -f "$complaints"' EXIT
timeout --foreground -k 5 "$timeout" qemu-system-aarch64 \
	-M "virt,gic-version=$gic${machine:+,$machine}" -cpu "$cpu" -smp "$smp" -m "$memory" \
	-nodefaults -display none -serial "$serial" -no-reboot \
	-kernel "$image" -append "$append" "$@" 2>"$complaints"
status=$?
cat "$complaints" >&2

if [ "$timeout" != 0 ] && { [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; }; then
	echo "qemu.sh: no end after $timeout seconds" >&2
	exit 5
fi
if [ "$status" -ne 0 ] && grep -q '^qemu-system-aarch64: ' "$complaints"; then
	exit 4
fi
exit "$status"
