#!/bin/sh
# hang_test.sh QEMU.SH IMAGE -- the watchdog tells each kind of hang, on whichever CPU it is, ends the
# run with status 5, and leaves alone what only looks like one; the trace and the records of calls
# say where a thread was.
#
# By counted instructions, so that everything happens at the same time in each run.  The limits are
# a tenth of the defaults and less.
set -u
. kernel/check/boots.sh

boot_with() { # ARGUMENTS
	boot --smp 4 --timeout 100 --append "$1" "$image" -- -icount shift=3,sleep=off
}

# expect STATUS ARGUMENTS TEXT...: the log has every TEXT; one that starts with ! is not there.
expect() {
	want=$1 name=$2
	boot_with "watch-warn=10 watch-critical=40 hang=$name"
	shift 2
	says "$name" "$want" "$@"
}

# The four kinds.
expect 5 silent '^watch: silent: CPU 1 takes no interrupts, for 1[0-9] ms; thread 16.1 is on it$' \
	'^panic: hang silent$' '^CPU 1 does not answer' '^CPU [023] stopped at mach_wait' \
	'^hang: silent: CPU 1 takes no interrupts, for [4-6][0-9] ms; thread 16.1 is on it' \
	'^sched: 4 CPUs' '^cpu 1: runs 16.1, last switch [4-9].... us ago' \
	'^thread 16.1: running on cpu 1' '^hang: end of the report' '!^trace' '!^last calls'
expect 5 lock '^panic: hang stuck lock of rank 11$' '^  it has a lock of rank 11' \
	'^  it waits for a lock of rank 11 that CPU 1 has' \
	'^hang: stuck lock: CPU 2 waits for a lock of rank 11 that CPU 1 has, for [4-6][0-9] ms' \
	'^cpu 2: waits since .* for a lock of rank 11 that cpu 1 had last'
expect 5 starved '^panic: hang starved$' '^hang: starved: CPU 0 does not run thread 16.1' \
	'^thread 16.1: ready, last on cpu 0, .*queued '
expect 5 late '^panic: hang not resumed$' '^hang: not resumed: CPU 0 has not resumed thread 16.1' \
	'^  thread 16.1 stopped in:' '^  sleep_a_little+0x' '^thread 16.1: waiting, .*until [0-9]* us ago'

# Whoever is left sees it; a CPU that is dead is missed as soon as somebody needs it.
expect 5 silent-two '^panic: hang silent$' '^on CPU 3 of 4' '^CPU 0 does not answer' \
	'^CPU 2 does not answer'
expect 5 dead '^hang: starved: CPU 3 does not run thread 4.1' '^cpu 3: ready at 4: 4.1' '^  runner+0x'

# What is none: work without a pause, and a thread that waits for a more urgent one.
expect 0 busy '!^watch' '!^panic'
expect 0 urgent '!^watch' '!^panic'
expect 0 'quiet watch=off' '!^watch' '!^panic'

# A call to a dead CPU.
expect 0 call '^smp: CPU 3 does not answer a call for 10 ms: it is stopped; last seen' '!^panic'

# In the call or behind it; with a barrier before each it is the same.
entered='munmap(space 0x[0-9a-f]*, 0x[0-9a-f]*, 4096) entered [0-9]* us ago, and not left'
left='munmap(space 0x[0-9a-f]*, 0x[0-9a-f]*, 4096) = 0 left [0-9]* us ago, and not resumed'
expect 5 'in-munmap trace' '^panic: hang stuck lock of rank 13' "^  thread 17.1: $entered" "!$left" \
	'^trace: the last 64 of each CPU' 'cpu 0: 0.1 claims 17.1: x19 unmap_only+0x0, stack 0x' \
	'cpu 2: 17.1 runs, after idle 2, which is ready; was ready for [0-9]* ns' \
	'cpu 2: 17.1 enters munmap(space 0x'
expect 5 'after-munmap trace=16' '^panic: hang starved' "^  thread 16.1: $left" "!$entered" \
	'^trace: the last 16 of each' 'cpu 0: 16.1 leaves munmap = 0'
expect 5 'in-munmap trace barrier=munmap' "^  thread 17.1: $entered" \
	'^anvil: with 1 barriers before munmap the run ends with 5'
expect 5 'after-munmap barrier=all' '^anvil: with 1 barriers before mmap the run ends with 5' \
	'^anvil: with 1 barriers before munmap the run ends with 5' '!^trace'

# On request; and what is not asked for is not there.
expect 0 'nothing trace' '!^watch' '^sched: 4 CPUs' 'cpu 1: 16.1 leaves munmap = 0' \
	'idle 0 readies 0.1 on cpu 0 after'
expect 0 nothing '!^trace' '^sched: 4 CPUs'

# Arguments that make no sense are refused.
for words in barrier=never trace=99999999; do
	expect 3 "nothing $words" '^anvil: threads: '
done
boot_with 'watch-warn=50 watch-critical=49'
says limits 3 '^anvil: threads: watch-warn='
exit "$failed"
