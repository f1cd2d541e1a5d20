#!/bin/sh
# play.sh SUBJECT CPUS SEED COUNT PATIENCE RUN REPLAY SCRIPT_TOOL -- a turn of scripts that programs
# play.
#
# COUNT scripts of SUBJECT are drawn from SEED, and programs do on our kernel what their tasks did on
# the host (user/replay).  Where Debian's Linux is there already, in anvil-out/linux of the folder
# NIGHT_STANDS, and for one CPU, the same is done on it: nothing is downloaded by night.  SUBJECT
# canary is scripts of syscall, with answers in their scores that are wrong.
#
# Of each kind of difference, that is kernel and call, the first script is in RUN/found before it is
# told of:
#
#	panic: differs SUBJECT.KERNEL.CALL
#	script: PATH
#	KERNEL: differs PATH: line 12: 0 call 57 1 0 0 0 0 0 = 0: here -9
#
# Exit: as user/replay's replay.sh.
set -uf
export LC_ALL=C

subject=$1 cpus=$2 seed=$3 count=$4 patience=$5 run=$6 replay=$7 script_tool=$8
drawn=$run/drawn
kernels=ours
if [ "$cpus" -eq 1 ] && [ -r "${NIGHT_STANDS:-/none}/anvil-out/linux/vmlinuz" ]; then
	kernels=ours,linux
	export BUILD_WORKING_DIRECTORY="$NIGHT_STANDS"
fi

play() { # FLAG...
	sh "$replay" --cpus "$cpus" --timeout "$patience" "$@"
	echo $? >"$run/status"
}

# What is told of a difference, less its numbers: the call's number stays.
kind_of() { # KERNEL ACTOR VERB WORD...
	case $subject.$3 in
	canary.*) echo "$1.lie" ;;
	*.call) echo "$1.call-$4" ;;
	*) echo "$1.$3" ;;
	esac
}

keep() { # LINE, as "ours: differs SCRIPT: line 12: 0 call 57 1 0 0 0 0 0 = 0: here -9"
	script=${1#*: differs } && script=${script%%: line *}
	# shellcheck disable=SC2086 # words of a line
	kind=$(kind_of "${1%%:*}" ${1#*: line *: })
	[ ! -e "$run/told-$kind" ] || return
	: >"$run/told-$kind"
	kept=$run/found/$subject-differs-$kind
	"$script_tool" disassemble "$script" >"$kept.txt" 2>/dev/null
	cp "$script" "$kept" || return
	echo "panic: differs $subject.$kind"
	echo "script: $kept"
}

from=$subject
[ "$subject" != canary ] || from=syscall
"$script_tool" generate --subject "$from" -o "$drawn" --seed "$seed" --count "$count" || exit $?
set -- --on "$kernels" "$drawn"
if [ "$subject" = canary ]; then
	play --on '' --keep "$run/scores" "$drawn"
	sed 's/\( call .* = \)0$/\17/' "$run/scores" >"$run/wrong"
	set -- --scores "$run/wrong"
fi
play "$@" 2>&1 | while IFS= read -r line; do
	case $line in
	*': differs '*) keep "$line" ;;
	*': panic: '*) printf 'panic: %s\n' "${line#*: panic: }" ;;
	esac
	printf '%s\n' "$line"
done
exit "$(cat "$run/status")"
