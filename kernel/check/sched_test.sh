#!/bin/sh
# sched_test.sh QEMU.SH IMAGE -- the scheduler on one and several CPUs, in each form of reaping, with
# the documents' 32 slots, CPUs that come late; free running and by counted instructions; the last
# is the same, to the byte, when it is done again.
#
# The storms of 10,000 ends are counted: free-running CPUs that wait for each other's locks get on
# only as fast as a busy host lets all of them run.
set -u
. kernel/check/boots.sh

run() { # NAME ARGUMENTS OPTION...
	name=$1
	more=$2
	shift 2
	boot --timeout 250 --append "$more" "$@"
	printf "%s\n" "$log" | grep "^# "
	ends_well "$name"
}

run one "exits=2000" "$image"
run four "exits=400" --smp 4 --gic 2 --cpu max "$image"
run idle "reap=idle cpus=1 exits=400" --smp 4 "$image"
run before "reap=before cpus=2 exits=400" --smp 4 "$image"
run documents "layout=documents exits=400" --smp 4 "$image"
run counted-one "exact exits=1000" "$image" -- -icount shift=3,sleep=off
for form in after idle before; do
	run "counted-$form" "reap=$form" --smp 4 "$image" -- -icount shift=3,sleep=off
done
run counted-documents "layout=documents reap=idle exits=2000" --smp 3 "$image" -- \
	-icount shift=3,sleep=off
run counted "exits=1000 cpus=2" --smp 4 "$image" -- -icount shift=3,sleep=off
before=$log
run counted-again "exits=1000 cpus=2" --smp 4 "$image" -- -icount shift=3,sleep=off
if [ "$log" != "$before" ]; then
	printf 'FAIL: two counted runs differ\n%s\n%s\n' "$before" "$log"
	failed=1
fi

boot --append "reap=never" "$image"
says reap=never 3 '^anvil: threads: reap='
exit "$failed"
