#!/bin/sh
# hot_paths_test.sh ARCHIVE CHECKED -- a release build's hot paths call nothing.
#
# ARCHIVE holds hot_paths.c as a release build compiles it, CHECKED as a checked one does.  All
# that the first may need from elsewhere: the machine's registers and base, and the two calls on
# the side where somebody has to wait.  The second must need more, or this test sees nothing.
set -u

strangers()
{
	llvm-nm --undefined-only --just-symbol-name "$1" |
		grep -Ev '^(host_now|host_arena_bias|host_relax|latch_wait|lock_wait)$' |
		grep -E '^[a-z_]+$'
}

calls=$(strangers "$1")
if [ -n "$calls" ]; then
	echo "a release build's hot paths call: $calls"
	exit 1
fi
if ! strangers "$2" | grep -q '^host_irq_save$'; then
	echo "no call to host_irq_save in a checked build: looking at the wrong thing"
	exit 1
fi
