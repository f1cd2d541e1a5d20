#!/bin/sh
# terminal_test.sh SHELL_SH QEMU_SH MKCPIO_SH PACKAGE_SH KERNEL [SMALL] -- //kernel:shell on a terminal.
#
# script(1) of util-linux makes the terminal, of 33 rows and 111 columns, and what a person would do
# is typed there: a line is edited with arrow keys; Ctrl-C, Ctrl-Z and Ctrl-D reach the job in the
# foreground and nobody else; fg; the window's size.  While QEMU runs the terminal is raw, and Ctrl-A X
# leaves it; afterwards, after poweroff, and after QEMU was killed the terminal is as it was.
#
# With SMALL that program (small.c) stands in for busybox, and nothing is downloaded.  Without it the
# same is typed to busybox: tools/bazel run //user/shell:terminal.
#
# Nothing here waits for a time: what is typed next is typed when what must come first was printed.
set -u
export LC_ALL=C

shell=$PWD/$1 qemu=$2 mkcpio=$3 package=$4 kernel=$5
here=${TEST_TMPDIR:-$(mktemp -d)}
[ -n "${TEST_TMPDIR:-}" ] || trap 'rm -rf "$here"' EXIT
log=$here/log

fail() {
	echo "FAIL: $*" >&2
	tail -n 40 "$log" | tr -d '\r' >&2
	touch "$here/failed"
	exit 1
}

if [ $# -gt 5 ]; then
	cat >"$here/package.sh" <<END
cp "$PWD/$6" "\$1/busybox"
END
	package=$here/package.sh
	export BUILD_WORKING_DIRECTORY="$here"
fi

# What the terminal runs: where it is, how it was set, the shell, how it is set then.
cat >"$here/session" <<END
stty rows 33 columns 111
tty >"$here/name"
stty -g >"$here/before"
sh "$shell" "$qemu" "$mkcpio" "$package" "$kernel" --memory 128 --cpus 1
echo "ended with \$?"
stty -g >"$here/after"
END

# How many lines of the log match, control characters aside.
seen() { tr -d '\r' <"$log" | grep -a -c -e "$1"; }

await() { # COUNT PATTERN: until so many lines match
	until [ "$(seen "$2")" -ge "$1" ]; do
		[ ! -e "$here/over" ] || fail "no '$2', and it has ended"
		sleep 0.1
	done
}

prompts=0
prompt() {
	prompts=$((prompts + 1))
	# Lines that are edited show theirs again: its count is only ever too high by those.
	await $prompts '\] [^ ]* # '
}

# Ends a line and waits for the next prompt: its place in the log is behind what was there.
typed() { # BYTES
	before=$(wc -c <"$log")
	printf "$1\r"
	until tail -c +$((before + 1)) "$log" | grep -a -q '\] [^ ]* # \(.\[6n\)\{0,1\}$'; do
		[ ! -e "$here/over" ] || fail "no prompt after $1"
		sleep 0.1
	done
}

job() { # a job that says when it has the terminal
	before=$(wc -c <"$log")
	printf 'cat /etc/window -\r'
	until tail -c +$((before + 1)) "$log" | tr -d '\r' | grep -a -q '^33 111$'; do
		[ ! -e "$here/over" ] || fail "no job"
		sleep 0.1
	done
}

type_all() {
	prompt
	stty -a <"$(cat "$here/name")" >"$here/raw"
	typed 'echo helo one\033[D\033[D\033[D\033[D\033[Dl'
	typed '\033[A'
	job
	printf 'ab\177c\r'
	await 1 '^ac$' # as cat read it
	typed '\003'
	typed 'echo $? interrupted'
	job
	typed '\004'
	typed 'echo $? ended'
	job
	typed '\032'
	typed 'jobs'
	printf 'fg\r'
	await 1 '^cat /etc/window -$'
	printf 'back\r'
	await 2 '^back$'
	typed '\003'
	typed 'stty size'
	typed 'exit' # and another begins
	typed 'echo again'
	"$1"
	until [ -e "$here/over" ]; do sleep 0.1; done
}

leave() { printf '\001x'; }
off() { printf 'poweroff\r'; }
murder() {
	for p in /proc/[0-9]*; do
		[ "$(readlink "$p/fd/0")" = "$(cat "$here/name")" ] &&
			grep -q '^qemu-system' "$p/comm" && kill -9 "${p#/proc/}"
	done 2>/dev/null
}

try() { # HOW-IT-ENDS STATUS
	rm -f "$here/over"
	: >"$log" >"$here/after"
	type_all "$1" | {
		script -q -f -c "sh '$here/session'" "$log" >/dev/null 2>&1
		touch "$here/over"
	}
	[ ! -e "$here/failed" ] || exit 1
	[ "$(seen '^hello one *$')" -eq 2 ] || fail "$1: the line was not edited"
	[ "$(seen '^130 interrupted *$')" -eq 1 ] || fail "$1: Ctrl-C did not end the job"
	[ "$(seen '^0 ended *$')" -eq 1 ] || fail "$1: Ctrl-D did not end the job"
	[ "$(seen 'Stopped.*cat /etc/window -$')" -ge 2 ] || fail "$1: Ctrl-Z did not stop the job"
	[ "$(seen '^again *$')" -eq 1 ] || fail "$1: no shell after exit"
	[ "$(seen '^33 111 *$')" -eq 4 ] || fail "$1: another size"
	grep -q -e '-icanon' "$here/raw" && grep -q -e '-isig' "$here/raw" &&
		grep -q -e '-echo ' "$here/raw" || fail "$1: the terminal is not raw: $(cat "$here/raw")"
	[ -s "$here/after" ] && cmp "$here/before" "$here/after" || fail "$1: the terminal is changed"
	[ "$(seen "^ended with $2\$")" -eq 1 ] || fail "$1: not status $2"
	echo "ok $1: $(seen '^ended with')"
}

try leave 0
try off 0
try murder 137
