#!/bin/sh
# user.sh QEMU_SH MKCPIO_SH PACKAGE_SH KERNEL FOLDER [FLAG...] [PROGRAM [KEY=NUMBER...]]
#
# What //stress:user runs: boots our kernel, or Linux, with the stress programs and an /init that runs
# them in cycles and compares what is free after each.  See usage() below, and init.c.
#
# Exit: 0 memory stabilised; 1 a program failed, or memory drifts; 2 usage; 4 a package, the network or
# room is missing; 5 no end; 6 the kernel panicked.
set -u
export LC_ALL=C
command=user
. tools/build/command.sh

usage() {
	[ $# -eq 0 ] || echo "user: $*" >&2
	cat >&2 <<'END'
usage: tools/bazel run //stress:user -- [FLAG...] [PROGRAM [KEY=NUMBER...]]
  --linux            Debian's Linux in place of our kernel
  --cpus N           1 to 8 (1)
  --memory MIB       64 to 4096 (256)
  --cycles K         of equal readings in a row, at least 4 (4)
  --warm W           at most so many before those (2; Linux 8)
  --slack KIB        that they may differ by (0: to the page, with however many CPUs; Linux's
                     own caches float: 4096)
  --parallel         CPUs run freely, each on a thread of the host
  --kernel IMAGE     another image than //kernel
  --timeout SECONDS  until it counts as a hang (1800)
Without a program, all that stress/user/programs.txt has.
END
	exit 2
}

qemu=$(absolute "$1") mkcpio=$(absolute "$2") package=$(absolute "$3") kernel=$(absolute "$4")
folder=$(absolute "$5")
shift 5
out=${BUILD_WORKING_DIRECTORY:-$PWD}/anvil-out
whom=ours cpus=1 memory=256 cycles=4 warm='' slack='' turns=yes timeout=1800
while [ $# -gt 0 ]; do
	case $1 in
	--linux) whom=linux ;;
	--parallel) turns='' ;;
	--cpus | --memory | --cycles | --warm | --slack | --timeout | --kernel)
		[ $# -ge 2 ] || usage "$1 wants a value"
		case $1 in
		--cpus) number "$1" "$2" 1 8 && cpus=$2 ;;
		--memory) number "$1" "$2" 64 4096 && memory=$2 ;;
		--cycles) number "$1" "$2" 4 900 && cycles=$2 ;;
		--warm) number "$1" "$2" 0 90 && warm=$2 ;;
		--slack) number "$1" "$2" 0 999999 && slack=$2 ;;
		--timeout) number "$1" "$2" 1 1000000 && timeout=$2 ;;
		--kernel) kernel=$(cd "${BUILD_WORKING_DIRECTORY:-.}" && absolute "$2") ;;
		esac
		shift
		;;
	--help) (usage) 2>&1; exit 0 ;;
	-*) usage "unknown flag $1" ;;
	*) break ;;
	esac
	shift
done
# From here on "$@" is the one program.

[ "$whom" = ours ] || warm=${warm:-8} slack=${slack:-4096}
work=$(mktemp -d) || fail 4 "no room for temporary files"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

{
	echo "$cycles ${warm:-2} ${slack:-0}"
	if [ $# -gt 0 ]; then
		echo "/stress/$*"
	else
		sed -n 's|^[^#]|/stress/&|p' "$folder/programs.txt"
	fi
} >"$work/stress"
{
	echo "dir 755 dev"
	echo "dir 755 proc"
	echo "dir 755 tmp"
	echo "file 755 init $folder/init"
	echo "file 644 etc/stress $work/stress"
	sed -n 's|^\(/stress/[^ ]*\).*|\1|p' "$work/stress" | sort -u | while read -r path; do
		[ -x "$folder/${path#/stress/}" ] || fail 2 "no program ${path#/stress/}"
		echo "file 755 ${path#/} $folder/${path#/stress/}"
	done
} >"$work/list"
grep -q ' stress/' "$work/list" || exit 2
sh "$mkcpio" "$work/initrd" "$work/list" || exit 4

# Beside others, a CPU that counts instructions gets its turns only where they are fair.
set --
append=''
[ -z "$turns" ] || [ "$cpus" -eq 1 ] || append=fair
if [ "$whom" = linux ]; then
	mkdir -p "$out/linux" || fail 4 "cannot write to $out"
	sh "$package" "$out/linux" || exit $?
	kernel=$out/linux/vmlinuz
	append="console=ttyAMA0 quiet panic=-1"
	set -- --no-host
fi
if [ -n "$turns" ]; then icount='-icount shift=3,sleep=off'; else icount=''; fi
{
	# shellcheck disable=SC2086 # two words, or none
	sh "$qemu" "$@" --cpu cortex-a72 --smp "$cpus" --memory "$memory" --timeout "$timeout" \
		--append "$append" "$kernel" -- -initrd "$work/initrd" $icount </dev/null 2>&1
	echo $? >"$work/status"
} | sed -u 's/\r$//' | tee "$work/log"
status=$(cat "$work/status")
[ "$status" -le 1 ] || exit "$status"
grep -q '^stress: memory stabilised' "$work/log" || exit 1
