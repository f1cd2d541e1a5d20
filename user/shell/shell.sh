#!/bin/sh
# shell.sh QEMU_SH MKCPIO_SH PACKAGE_SH KERNEL [FLAG...] -- what //kernel:shell runs.
#
# Boots our kernel, or Linux, with Debian's busybox-static for arm64 as it is, and an interactive shell
# on the serial line, which is this terminal: raw while QEMU has it, and as it was afterwards, however
# QEMU ended.  Ctrl-A X ends QEMU, Ctrl-A H tells of its other keys; poweroff in the shell ends the
# machine.  The shell is told how large the terminal is at the start, and by its word resize later.
#
# busybox is downloaded once, by apt with its signature check, into anvil-out/linux below where you
# stand (tools/linux/package.sh); its many names are links in the archive.
#
# Exit: 0 the machine was switched off, or left; 2 usage; 4 a package, the network or room is missing;
# 6 the kernel panicked.
set -u
export LC_ALL=C
command=shell
. tools/build/command.sh

usage() {
	[ $# -eq 0 ] || echo "shell: $*" >&2
	cat >&2 <<'END'
usage: tools/bazel run //kernel:shell -- [FLAG...]
  --linux            Debian's Linux in place of our kernel
  --cpus N           1 to 8 (2)
  --memory MIB       64 to 4096 (256)
  --append WORDS     boot arguments
  --script FILE      its lines are typed once the shell is there, and no terminal is needed
  --timeout SECONDS  with --script: until it counts as a hang (120)
END
	exit 2
}

qemu=$(absolute "$1") mkcpio=$(absolute "$2") package=$(absolute "$3") kernel=$(absolute "$4")
here=$(absolute user/shell) # in Bazel's folder of what it needs
programs=$PWD
shift 4
cd "${BUILD_WORKING_DIRECTORY:-.}" || exit 4
cpus=2 memory=256 append='' script='' whom=ours timeout=120
while [ $# -gt 0 ]; do
	case $1 in
	--linux) whom=linux ;;
	--cpus | --memory | --append | --script | --timeout)
		[ $# -ge 2 ] || usage "$1 wants a value"
		case $1 in
		--cpus) number "$1" "$2" 1 8 && cpus=$2 ;;
		--memory) number "$1" "$2" 64 4096 && memory=$2 ;;
		--timeout) number "$1" "$2" 1 1000000 && timeout=$2 ;;
		--append) append=$2 ;;
		--script) script=$2 ;;
		esac
		shift
		;;
	--help) (usage) 2>&1; exit 0 ;;
	*) usage "unknown flag $1" ;;
	esac
	shift
done
[ -z "$script" ] || [ -r "$script" ] || usage "cannot read $script"

out=$(absolute anvil-out/linux)
mkdir -p "$out" 2>/dev/null || fail 4 "cannot write to $out"
sh "$package" "$out" busybox || exit $?
command -v qemu-aarch64 >/dev/null || fail 4 "no qemu-aarch64: install the Debian package qemu-user"

work=$(mktemp -d) || fail 4 "no room for temporary files"
# A serial line does not know how large a terminal is: it is told once, in a file.
window=$(stty size 2>/dev/null) || window=''
case $window in 0\ * | *\ 0) window='' ;; esac
echo "$window" >"$work/window"
state=''
restore() {
	[ -z "$state" ] || stty "$state" 2>/dev/null
	rm -rf "$work"
}
trap restore EXIT
trap 'exit 130' INT TERM

{
	printf 'dir 755 %s\n' dev proc tmp root
	echo "link init bin/busybox"
	echo "file 755 bin/busybox $out/busybox"
	# Every name but its own is a link to it.
	qemu-aarch64 "$out/busybox" --list | sed '/^busybox$/d; s|.*|link bin/& busybox|'
	[ -z "$window" ] || echo "file 644 etc/window $work/window"
	for name in inittab profile rc; do echo "file 644 etc/$name $here/$name"; done
	for pair in probe:user/probe stress:stress/user; do
		[ -d "$programs/${pair#*:}" ] || continue
		find -L "$programs/${pair#*:}" -maxdepth 1 -type f -perm -u+x ! -name '*.*' ! -name init |
			sed "s|.*/\(.*\)|file 755 ${pair%%:*}/\1 &|"
	done
} >"$work/list" 2>/dev/null
sh "$mkcpio" "$work/initrd" "$work/list" || exit 4

set --
if [ "$whom" = linux ]; then
	sh "$package" "$out" linux || exit $?
	kernel=$out/vmlinuz append="console=ttyAMA0 quiet panic=-1${append:+ $append}"
fi
[ "$whom" = linux ] || append="warn-memory=2048${append:+ $append}" # 2 MiB
# Types the script's lines, each when there is a prompt for it.
type_lines() {
	typed=0
	while IFS= read -r line; do
		typed=$((typed + 1))
		until [ "$(grep -c '\] .* # ' "$work/said")" -ge "$typed" ]; do sleep 0.2; done
		printf '%s\n' "$line"
	done <"$script"
}

if [ -n "$script" ]; then
	: >"$work/said"
	type_lines | {
		sh "$qemu" --no-host --terminal --cpu cortex-a72 --smp "$cpus" --memory "$memory" \
			--timeout "$timeout" --append "$append" "$kernel" -- -initrd "$work/initrd"
		echo $? >"$work/status"
	} | tee "$work/said"
	exit "$(cat "$work/status")"
fi
state=$(stty -g 2>/dev/null) || fail 2 "this is no terminal; see --script"
sh "$qemu" --no-host --terminal --cpu cortex-a72 --smp "$cpus" --memory "$memory" --timeout 0 \
	--append "$append" "$kernel" -- -initrd "$work/initrd"
