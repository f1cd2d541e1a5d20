#!/bin/sh
# init_test.sh QEMU.SH IMAGE ONE PROBES -- the first program: how it begins, how it may end, and what
# is said where there is none; then Linux's programs under it, as its children, on 1, 2 and 4 CPUs by
# counted instructions, whose answers are to be Linux's, line by line.
set -u
. kernel/check/boots.sh
one=$3
probes=$4
expected=user/probe/expected
work=$(mktemp -d) || exit 4
trap 'rm -rf "$work"' EXIT

first() { # NAME STATUS ARGUMENTS TEXT...
	name=$1 wanted=$2
	boot --append "$3" "$image" -- -icount shift=3,sleep=off -initrd "$one"
	log=$(printf '%s\n' "$log" | tr -d '\r')
	shift 3
	says "$name" "$wanted" "$@"
}

first begins 7 "" '^init: number 1 of 0, 1 words: /init$' '^init: environment: HOME=/ TERM=linux$' \
	'^init: called /init on aarch64, pages of 4096$' \
	'^init: segments yes, chance yes, words aligned yes$' '^anvil: /init exited with 7$'
first words 7 "init=/bin/other -- one two" '^init: number 1 of 0, 3 words: /bin/other one two$' \
	'^init: called /bin/other'
first movable 7 "init=/bin/movable" '^init: called /bin/movable' \
	'^init: segments yes, chance yes, words aligned yes$'
for path in /init /bin/movable; do
	for seed in 1 2; do
		first "random-$path-$seed" 7 "init=$path random seed=$seed -- grow" \
			'^init: segments yes, chance yes, words aligned yes$'
	done
done
for how in fault stack code kernel; do
	first "$how" 139 "-- $how" '^anvil: /init was killed by signal 11$' '!panic'
done
first grow 7 "warn-memory=2048 -- grow" '^anvil: memory: init, task 1, has 20[0-9]* KiB, more than'
lines=$(printf '%s\n' "$log" | grep -c '^anvil: memory: ')
[ "$lines" -eq 2 ] || wrong="$lines lines for two crossings"
verdict grow-twice "$wrong"
first grow-unmarked 7 "-- grow" '!memory: init'
first none 3 "init=/none" '^anvil: /none: there is no such file (error 2)$'
first folder 3 "init=/dev" '^anvil: /dev: it is no file that may be executed (error 13)$'
first no-program 3 "init=/text" '^anvil: /text: it is no program (error 8)$'

echo "this is no archive" >"$work/no"
boot "$image" -- -initrd "$work/no"
says no-archive 3 '^anvil: initrd: ' '^anvil: the initrd is no archive of files$'

# What a probe said, of the last boot: the lines between the runner's two.
said_by() { # NAME
	printf '%s\n' "$log" | tr -d '\r' |
		awk -v begin="run: begin /probe/$1" -v end="run: end /probe/$1:" '
		$0 == begin { on = 1; next }
		index($0, end) == 1 { if ($NF != "0" || $(NF - 1) != "exit") print; exit }
		on'
}

for cpus in 1 2 4; do
	boot --smp "$cpus" --timeout 120 "$image" -- -icount shift=3,sleep=off -initrd "$probes"
	says "programs-$cpus" 0 '^run: [0-9]* ended, 0 of them badly' '!panic' '!no call'
	for name in $(printf '%s\n' "$log" | sed -n 's|^run: begin /probe/\([a-z]*\).*|\1|p'); do
		said_by "$name" >"$work/said"
		wrong=''
		cmp -s "$work/said" "$expected/$name.txt" ||
			wrong=$(diff "$expected/$name.txt" "$work/said" | grep '^[<>]')
		verdict "$name-$cpus" "$wrong"
	done
done
exit "$failed"
