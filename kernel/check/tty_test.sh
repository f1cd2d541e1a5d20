#!/bin/sh
# tty_test.sh QEMU.SH IMAGE -- what is typed at the serial line of the booted kernel (tty_program.c):
# edited, echoed, read, on either interrupt controller, and with CPUs that do not run the reader.
set -u
. kernel/check/boots.sh

work=$(mktemp -d) || exit 4
trap 'rm -rf "$work"' EXIT

# await TEXT: what is typed next counts only once that was printed: an interrupt throws away what was
# not read yet.  Where nothing runs any more nobody waits.
await() {
	until grep -q "$1" "$work/log" || ! [ -e "$work/runs" ]; do sleep 0.05; done
}

# A character, a word and a line erased; an end; a line that is interrupted; single bytes.
typing() {
	await 'tty: listening'
	printf 'hellp\177o\nlost words\027kept\nall wrong\025right\n\004'
	await 'tty: 0: end'
	printf 'half\003whole\rquoted \026\003 \nbye\n'
	await 'tty: interrupted'
	printf 'x\r'
	await 'tty: byte 10'
	printf '\003.'
}

try() { # NAME OPTION...
	name=$1
	shift
	: >"$work/log" >"$work/runs"
	typing | {
		"$qemu" "$@" >"$work/log" 2>&1
		status=$?
		rm "$work/runs"
		exit "$status"
	}
	status=$?
	log=$(tr -d '\r' <"$work/log")
	says "$name" 0 'tty: 6: hello$' 'tty: 10: lost kept$' 'tty: 6: right$' 'tty: 0: end$' \
		'tty: 6: whole$' 'tty: 10: quoted' 'half^C' 'tty: interrupted 1 times$' \
		'tty: byte 120$' 'tty: byte 10$' 'tty: byte 46$' '!tty: byte 3$'
}

try three --gic 3 "$image"
try two --gic 2 --smp 4 "$image"
exit "$failed"
