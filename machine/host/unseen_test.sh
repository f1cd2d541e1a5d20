#!/bin/sh
# unseen_test.sh ARCHIVE... -- the host machine carries no instrumentation, in whatever build.
#
# It switches stacks and writes shadow memory, which a sanitizer would report; and edges in it
# would send a fuzzing engine after the machine instead of after mm/.  What it calls on purpose, the
# run-time library's announcements of a switch and the place of the shadow, it refers to weakly; and
# where loads and stores are watched, it is what they call.
set -u

for archive in "$@"; do
	if ! llvm-nm "$archive" 2>/dev/null | grep -qE ' T (host_run_on|turns_pass)$'; then
		echo "$archive: not the host machine"
		exit 1
	fi
	found=$(llvm-nm "$archive" | grep -v -E ' T __sanitizer_cov_(load|store)[0-9]+$' |
		grep -E ' [^wv] _*(asan|ubsan|sanitizer|sancov|afl|host_seen)' | grep -v -E " T host_seen")
	if [ -n "$found" ]; then
		echo "$archive: instrumented:"
		echo "$found"
		exit 1
	fi
done
