#!/bin/sh
# probe.sh QEMU_SH PACKAGE_SH KERNEL ALL_CPIO FOLDER [--linux | --record] [NAME...]
#
# What :compare and :record run in user/probe and user/hostile: probes ask a kernel about system calls,
# and what it answers is compared with FOLDER/expected/NAME.txt, which Debian's Linux said.
#
#	tools/bazel run //user/probe:compare                  all probes, each on a fresh boot of ours
#	tools/bazel run //user/probe:compare -- pipes wait    these
#	tools/bazel run //user/probe:compare -- --linux       Linux against its own record
#	tools/bazel run //user/probe:record                   boots Linux and writes the record
#
# Of a probe that differs, the differing lines are shown: "-" Linux's, "+" ours.
#
# Exit: 0 all alike; 1 differences; 2 usage; 4 a package, the network or room is missing; 5 no end.
set -u
export LC_ALL=C
command=probe
. tools/build/command.sh

qemu=$(absolute "$1") package=$(absolute "$2") kernel=$(absolute "$3") all=$(absolute "$4")
folder=$5
shift 5
expected=$(absolute "$folder/expected") whom=ours
case ${1:-} in
--linux | --record)
	whom=${1#--}
	shift
	;;
-*) fail 2 "what is $1?" ;;
esac
tab=$(printf '\t')
# The machine's time is that of its instructions, however busy the host is.
icount='-icount shift=3,sleep=off'
work=$(mktemp -d) || fail 4 "no room for temporary files"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# What a probe said, of a console's log: the lines between the runner's two.  What our kernel says
# itself, as that it has no call of a number, is none of that.
said_by() { # NAME LOG
	tr -d '\r' <"$2" | awk -v begin="run: begin /probe/$1" -v end="run: end /probe/$1:" '
		/^anvil: / { next }
		$0 == begin { on = 1; next }
		index($0, end) == 1 { if ($NF != "0" || $(NF - 1) != "exit") print; exit }
		on'
}

# shellcheck disable=SC2086 # two words
boot_linux() {
	out=${BUILD_WORKING_DIRECTORY:-$PWD}/anvil-out/linux
	mkdir -p "$out" || fail 4 "cannot write to $out"
	sh "$package" "$out" || exit $?
	sh "$qemu" --no-host --cpu cortex-a72 --memory 512 --timeout 300 \
		--append "console=ttyAMA0 quiet panic=-1" "$out/vmlinuz" -- -initrd "$all" $icount \
		</dev/null >"$work/log" 2>&1 ||
		fail 5 "Linux: $(tail -n 1 "$work/log")"
	grep -q '^run: [0-9]* ended' "$work/log" || fail 5 "Linux: $(tail -n 1 "$work/log")"
}

# shellcheck disable=SC2086 # two words
boot_ours() { # NAME
	sh "$qemu" --cpu cortex-a72 --memory 256 --timeout 60 "$kernel" -- \
		-initrd "$(dirname "$all")/$1_initrd.cpio" $icount </dev/null >"$work/log" 2>&1
	grep -q '^run: [0-9]* ended' "$work/log" || {
		echo "probe: $1: no end; the last words: $(tail -n 3 "$work/log" | tr '\n' "$tab")"
		return 1
	}
}

compare() { # NAME
	said_by "$1" "$work/log" >"$work/said"
	if cmp -s "$expected/$1.txt" "$work/said"; then
		echo "probe: $1: $(wc -l <"$work/said") answers, as Linux's"
		return 0
	fi
	diff -U 0 "$expected/$1.txt" "$work/said" | grep '^[-+]' | sed 1,2d | sed "s|^|$1: |"
	echo "probe: $1: $(diff "$expected/$1.txt" "$work/said" | grep -c '^<') of Linux's" \
		"$(wc -l <"$expected/$1.txt") lines are not there"
	return 1
}

record() {
	[ -n "${BUILD_WORKSPACE_DIRECTORY:-}" ] || fail 2 "start it by tools/bazel run"
	into=$BUILD_WORKSPACE_DIRECTORY/$folder/expected
	mkdir -p "$into" || exit 4
	for name; do
		said_by "$name" "$work/log" >"$into/$name.txt" || fail 4 "cannot write $into/$name.txt"
		[ -s "$into/$name.txt" ] || fail 5 "Linux said nothing to $name"
		echo "probe: $name: $(wc -l <"$into/$name.txt") lines"
	done
}

# Each boot of Linux has all probes anyway.
# shellcheck disable=SC2046 # names, which have no spaces
[ $# -gt 0 ] || set -- $(tr '\n' ' ' <"$(dirname "$all")/all.names")
for name; do
	[ -r "$(dirname "$all")/${name}_initrd.cpio" ] || fail 2 "no probe called $name"
done
[ "$whom" = ours ] || boot_linux
[ "$whom" != record ] || { record "$@" && exit 0; }
status=0
for name; do
	{ [ "$whom" = linux ] || boot_ours "$name"; } || status=1
	compare "$name" || status=1
done
exit "$status"
