#!/bin/sh
# malloc_bench.sh [--check] PROGRAM TRACE... -- what malloc, realloc and free cost a program, as a table.
#
# Instructions are counted by callgrind inside the calls alone (functions bench_* of malloc_main.c),
# in the release build for the host; what realloc copies counts, the system's part does not.  "Held"
# is the most that the allocator ever had from the system, the queue of deferred frees included.
# With --check nothing is counted: every block of every trace is looked at, byte by byte.
set -u

check=
if [ "$1" = --check ]; then
	check=1
	shift
fi
program=$1
shift
if [ -n "$check" ]; then
	for trace; do "$program" check "$trace" || exit 1; done
	exit 0
fi
if ! command -v valgrind >/dev/null 2>&1; then
	echo "malloc_bench: needs valgrind (Debian package valgrind)" >&2
	exit 4
fi
log=$(mktemp) || exit 4
trap 'rm -f "$log"' EXIT

for trace; do
	said=$("$program" play "$trace") || exit 1
	valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
		--toggle-collect=bench_alloc --toggle-collect=bench_realloc --toggle-collect=bench_free \
		"$program" play "$trace" >/dev/null 2>"$log" || {
		cat "$log" >&2
		exit 1
	}
	echo "$(basename "$trace" .rep) $said $(sed -n 's/.*Collected : //p' "$log")"
done | awk '
	BEGIN {
		print "malloc, realloc, free: instructions per operation, memory held at most"
		print ""
		row = "%-12s %8s %10s %10s %10s %8s\n"
		printf row, "trace", "ops", "Ir/op", "live KiB", "held KiB", "used %"
	}
	{
		ir = $5 / $2
		used = $3 / $4
		printf row, $1, $2, sprintf("%.1f", ir), sprintf("%.0f", $3 / 1024),
			sprintf("%.0f", $4 / 1024), sprintf("%.1f", 100 * used)
		sum_ir += log(ir)
		sum_used += log(used)
		n++
	}
	END {
		if (!n)
			exit 1
		printf row, "geom. mean", "", sprintf("%.1f", exp(sum_ir / n)), "", "",
			sprintf("%.1f", 100 * exp(sum_used / n))
		printf row, "(wanted)", "", "90", "", "", "80"
	}
'
