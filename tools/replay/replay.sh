#!/bin/sh
# replay.sh REPLAY REPLAY_AARCH64 SCRIPT_TOOL KERNEL KERNEL_ELF QEMU_SH TABLE_AWK REPLAY_RACE [FLAG...] FILE...
#
# What //tools:replay runs.  Every FILE (or all files of a folder), in any form, becomes a stored
# script in a folder of its own, and that folder is replayed on the machines of --on: by the host
# program under ASan and UBSan, by the AArch64 program under qemu-aarch64, and in the booted kernel,
# one boot for all files.  The three say the same lines, which are laid side by side.  What a script
# does before something that only the host can see is compared as a script of its own.
#
# A boot that hangs or panics is charged to the first file without a line, and another boot goes on
# behind it.  QEMU counts instructions (-icount), so that a boot is the same every time.
#
# Exit: 0 the same everywhere, and only oracles that were expected; 1 not so; 2 usage; 3 a file that
# is no script, named; 4 a package is missing; 5 a hang; 6 the kernel panicked outside of any run.
set -u
export LC_ALL=C
command=replay
. tools/build/command.sh

usage() {
	[ $# -eq 0 ] || echo "replay: $*" >&2
	cat >&2 <<'END'
usage: tools/bazel run //tools:replay -- [FLAG...] FILE|FOLDER...
  --on host,user,guest     the machines (all three)
  --subject NAME           what raw bodies are for
  --repeat N               runs each file N times on each machine; all must end alike
  --timeout SECONDS        for each machine (60, and a second for every 20 files)
  --gdb[=host|=guest]      one FILE: a debugger stopped at the operation that fails (host)
  --gdb-batch COMMANDS     with --gdb: gdb's commands once it has stopped, split at `;', and no prompt
END
	exit 2
}

need() { # PROGRAM PACKAGE
	command -v "$1" >/dev/null 2>&1 || fail 4 "no $1; install the Debian package $2"
}

is_on() { case ,$machines, in *,"$1",*) true ;; *) false ;; esac; }

# --- files into $work/files, their names into $work/names ---------------------------------------

take_file() { # FILE
	number=$(printf '%05d' "$count")
	# shellcheck disable=SC2086
	if "$script_tool" assemble $subject_flag -o "$work/files/$number" "$1" 2>"$work/said"; then
		printf '%s\n' "$1" >>"$work/names"
		echo "files/$number" >>"$work/list"
		count=$((count + 1))
	else
		status=$?
		said=$(head -n 1 "$work/said")
		said=${said:-no room in ${TMPDIR:-/tmp}}
		[ $status -eq 4 ] && fail 4 "${said#script: }"
		case $said in "script: no subject is called"*) fail 2 "${said#script: }" ;; esac
		echo "replay: ${said#script: }" >&2
		bad=$((bad + 1))
	fi
}

take() { # FILE|FOLDER
	if [ -d "$1" ]; then
		find "$1" -follow -type f ! -name 'README*' | sort >"$work/below"
		while IFS= read -r below; do take_file "$below"; done <"$work/below"
	else
		take_file "$1"
	fi
}

# --- the machines; each leaves $work/MACHINE, a line per file, and $work/MACHINE.said --------------


run_hosted() { # MACHINE COMMAND...
	machine=$1
	shift
	(cd "$work" && timeout -k 5 "$timeout" "$@" --repeat "$repeat" files >"$machine" 2>"$machine.said")
	status=$?
	case $status in
	0 | 5) ;;
	1) surprised=1 ;;
	124) charge "$machine" hang ;;
	*) cat "$work/$machine.said" >&2 && fail "$status" "the replay program gave up" ;;
	esac
}

# What takes seeing every load and store, a race, is asked of the program in which they are seen.
look_closer() {
	grep -q ' unseen$' "$work/host" || return 0
	sed -n 's/ unseen$//p' "$work/host" | while IFS= read -r file; do
		(cd "$work" && timeout -k 5 "$timeout" "$replay_race" --repeat "$repeat" "$file" 2>>host.said)
	done >"$work/closer"
	awk 'NR == FNR { closer[$1] = $0; next } $1 in closer { $0 = closer[$1] } { print }' \
		"$work/closer" "$work/host" >"$work/both" && mv "$work/both" "$work/host"
}

# The first file without a line gets WORD for one.
charge() { # MACHINE WORD
	culprit=$(sed -n "$(($(wc -l <"$work/$1") + 1))p" "$work/list")
	[ -n "$culprit" ] && echo "$culprit $2" >>"$work/$1"
}

# Boots the kernel in $work; the list of files is in `left`, its answers go to `answers`.
boot() { # [QEMU-OPTION...]
	cd "$work" || exit 4
	sh "$qemu_sh" --smp 4 --cpu cortex-a72 --timeout "$timeout" \
		--append "files=left out=answers repeat=$repeat" "$kernel" -- \
		-icount shift=3,sleep=off "$@" >serial 2>>guest.said
}

run_guest() {
	: >"$work/guest"
	while done_now=$(wc -l <"$work/guest") && [ "$done_now" -lt "$count" ]; do
		tail -n "+$((done_now + 1))" "$work/list" >"$work/left"
		: >"$work/answers"
		(boot)
		status=$?
		boots=$((boots + 1))
		cat "$work/answers" >>"$work/guest"
		sed -n '/^panic: /,$p' "$work/serial" >>"$work/guest.said"
		case $status in
		0 | 3) [ -s "$work/answers" ] || fail 4 "the kernel answers nothing" ;;
		1) # the kernel's self-test fails before any file: the other machines still have a word
			sed -n 's/^not ok/kernel self-test: &/p' "$work/serial" >>"$work/guest.said"
			while charge guest self-test; do :; done
			;;
		5) charge guest hang ;;
		6) charge guest panic ;;
		*) cat "$work/serial" "$work/guest.said" >&2 && fail 4 "the boot ended with status $status" ;;
		esac
	done
}

# --- the verdict -------------------------------------------------------------------------------------

# One line per file, its verdict first in $work/verdicts, the table on standard output.
compare() {
	read_expects
	awk -v machines="$machines" -v work="$work" -f "$awk_table" "$work/names"
}

# What a machine had to say of runs that went wrong, with the files' own names.
tell() { # MACHINE
	[ -s "$work/$1.said" ] || return 0
	awk 'NR == FNR { name[sprintf("files/%05d", FNR - 1)] = $0; next }
		{ while (match($0, "files/[0-9][0-9][0-9][0-9][0-9]"))
			$0 = substr($0, 1, RSTART - 1) name[substr($0, RSTART, RLENGTH)] \
				substr($0, RSTART + RLENGTH)
		  print }' "$work/names" "$work/$1.said" >&2
}

# FILE ORACLE [host-only], as the scripts themselves say.
read_expects() {
	(cd "$work" && "$script_tool" check files/* |
		sed 's/^\(files[^:]*\):\(.*, expects \(.*\)\)*.*/\1 \3/' >expects)
}

# Where only the host sees what a script is expected to do, the operations before that are a script
# for all machines.
add_prefixes() {
	read_expects
	# shellcheck disable=SC2013 # these names have no blanks
	for file in $(awk '$3 == "host-only" { print $1 }' "$work/expects"); do
		stop=$(cd "$work" && "$replay" "$file" 2>/dev/null | sed -n 's/.* op=\([1-9][0-9]*\)$/\1/p')
		[ -n "$stop" ] || continue
		number=$(printf '%05d' "$count")
		"$script_tool" assemble --first "$stop" "$work/$file" -o "$work/files/$number" || exit 4
		name=$(awk -v file="$file" 'sprintf("files/%05d", NR - 1) == file' "$work/names")
		echo "$name, its first $stop operations" >>"$work/names"
		echo "files/$number" >>"$work/list"
		count=$((count + 1))
	done
}

replay_all() {
	boots=0 surprised=0
	[ "$machines" = host ] || ! is_on host || add_prefixes
	is_on host && run_hosted host "$replay" && look_closer
	is_on user && run_hosted user qemu-aarch64 "$replay_aarch64" --digests
	is_on guest && run_guest
	compare
	verdict=$?
	[ $verdict -ne 0 ] || verdict=$surprised
	if [ $verdict -ne 0 ]; then
		for machine in guest user host; do is_on $machine && tell $machine; done
	fi
	[ $verdict -eq 0 ] && [ $bad -ne 0 ] && verdict=3
	exit $verdict
}

# --- a debugger at the operation that fails -------------------------------------------------------

# Where the script fails on the host, sanitizers included: a breakpoint for that.
breakpoint() { # KIND
	where=$(cd "$work" && "$replay" files/00000 2>/dev/null | sed -n 's/.* op=//p')
	case $where in
	open | close) echo "$1 run_$where" ;;
	'' | -)
		echo "replay: nothing fails; stopped at the first operation" >&2
		echo "$1 run_operation_begins if run->op == 0"
		;;
	*) echo "$1 run_operation_begins if run->op == $where" ;;
	esac
}

# What gdb is to do: get there, then what the user wants.
write_commands() { # KIND START
	{
		echo 'set pagination off'
		echo 'set confirm off'
		echo "directory ${BUILD_WORKSPACE_DIRECTORY:-.}"
		if [ "$gdb" = host ]; then
			echo 'set follow-fork-mode child'
			echo 'handle SIGALRM nostop noprint pass'
		else
			echo "target remote $work/stub"
		fi
		breakpoint "$1"
		echo "$2"
		printf '%s\n' "$gdb_batch" | tr ';' '\n'
		[ -z "$gdb_batch" ] || echo kill
	} >"$work/commands"
}

debug() {
	[ "$count" -eq 1 ] || fail 2 "--gdb takes one file"
	need gdb-multiarch gdb-multiarch
	batch=
	[ -z "$gdb_batch" ] || batch=-batch
	if [ "$gdb" = host ]; then
		write_commands break run
		cd "$work" || exit 4
		# shellcheck disable=SC2086
		gdb-multiarch -q $batch -x commands --args "$replay" --timeout 100000 files/00000
		exit
	fi
	write_commands hbreak continue
	cp "$work/list" "$work/left"
	timeout=100000
	(boot -S -gdb "unix:stub,server=on,wait=off") &
	tries=0
	until [ -S "$work/stub" ]; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || fail 4 "QEMU's stub does not come up"
		sleep 0.1
	done
	# shellcheck disable=SC2086
	gdb-multiarch -q $batch -x "$work/commands" "$kernel_elf"
	wait # gdb's end is QEMU's
	exit 0
}

# --- arguments ---------------------------------------------------------------------------------------

replay=$(absolute "$1")
replay_aarch64=$(absolute "$2")
script_tool=$(absolute "$3")
kernel=$(absolute "$4")
kernel_elf=$(absolute "$5")
qemu_sh=$(absolute "$6")
awk_table=$(absolute "$7")
replay_race=$(absolute "$8")
shift 8

machines=host,user,guest subject_flag='' timeout='' repeat=1 gdb='' gdb_batch=''
while [ $# -gt 0 ]; do
	case $1 in
	--on | --subject | --timeout | --repeat | --gdb-batch)
		[ $# -ge 2 ] || usage "$1 wants a value"
		case $1 in
		--on) machines=$2 ;;
		--subject) subject_flag="--subject $2" ;;
		--timeout) timeout=$2 ;;
		--repeat) repeat=$2 ;;
		--gdb-batch) gdb_batch=$2 ;;
		esac
		shift
		;;
	--gdb | --gdb=host) gdb=host ;;
	--gdb=guest) gdb=guest ;;
	--help) (usage) 2>&1; exit 0 ;;
	--) shift && break ;;
	-*) usage "unknown flag $1" ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || usage "no file given"
for machine in $(echo "$machines" | tr , ' '); do
	case $machine in host | user | guest) ;; *) usage "no machine is called $machine" ;; esac
done
[ -n "$machines" ] || usage "--on names no machine"
case $timeout in *[!0-9]*) usage "--timeout $timeout is no number" ;; esac
case $repeat in '' | 0 | *[!0-9]*) usage "--repeat $repeat is no number of times" ;; esac
[ -z "$gdb" ] || machines=$gdb # and no other
is_on user && need qemu-aarch64 qemu-user
is_on guest && need qemu-system-aarch64 qemu-system-arm

work=$(mktemp -d) || fail 4 "no room for temporary files"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir "$work/files" || exit 4
: >"$work/names"
: >"$work/list"
count=0 bad=0
cd "${BUILD_WORKING_DIRECTORY:-.}" || exit 4
unset BUILD_WORKING_DIRECTORY # the programs would go there too
for path; do take "$path"; done
[ $count -gt 0 ] || fail 3 "no script among the files"
timeout=${timeout:-$((60 + count * repeat / 20))}
[ -z "$gdb" ] || debug
replay_all
