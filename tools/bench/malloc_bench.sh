#!/bin/sh
# malloc_bench.sh [--check] PROGRAM TRACE... -- what malloc, realloc and free cost a program, as a table.
#
# Instructions are counted by callgrind inside the calls alone (functions bench_* of malloc_main.c),
# in the release build for the host; what realloc copies counts, the system's part does not.  "Held"
# is the most that the allocator ever had from the system, the queue of deferred frees included.
# Each trace is played twice: by a program of one thread, and by one that has had a second, so that
# calls are those of a program with several: with a lock, or with the thread's cache.
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

# One trace, played as HOW says: "OPERATIONS PEAK HELD INSTRUCTIONS".
played() { # HOW TRACE
	said=$("$program" "$1" "$2") || exit 1
	valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
		--toggle-collect=bench_alloc --toggle-collect=bench_realloc --toggle-collect=bench_free \
		"$program" "$1" "$2" >/dev/null 2>"$log" || {
		cat "$log" >&2
		exit 1
	}
	echo "$said $(sed -n 's/.*Collected : //p' "$log")"
}

for trace; do
	one=$(played play "$trace") && several=$(played threaded "$trace") || exit 1
	echo "$(basename "$trace" .rep) $one $several"
done | awk '
	BEGIN {
		print "malloc, realloc, free: instructions per operation, memory held at most;"
		print "with one thread, and with several"
		print ""
		row = "%-12s %8s %10s | %8s %10s %8s | %8s %10s %8s\n"
		printf row, "trace", "ops", "live KiB", "Ir/op", "held KiB", "used %",
			"Ir/op", "held KiB", "used %"
	}
	{
		for (i = 0; i < 2; i++) {
			ir[i] = $(5 + 4 * i) / $2
			used[i] = $3 / $(4 + 4 * i)
			sum_ir[i] += log(ir[i])
			sum_used[i] += log(used[i])
		}
		printf row, $1, $2, sprintf("%.0f", $3 / 1024),
			sprintf("%.1f", ir[0]), sprintf("%.0f", $4 / 1024), sprintf("%.1f", 100 * used[0]),
			sprintf("%.1f", ir[1]), sprintf("%.0f", $8 / 1024), sprintf("%.1f", 100 * used[1])
		n++
	}
	END {
		if (!n)
			exit 1
		printf row, "geom. mean", "", "",
			sprintf("%.1f", exp(sum_ir[0] / n)), "", sprintf("%.1f", 100 * exp(sum_used[0] / n)),
			sprintf("%.1f", exp(sum_ir[1] / n)), "", sprintf("%.1f", 100 * exp(sum_used[1] / n))
		printf row, "(wanted)", "", "", "90", "", "80", "", "", ""
	}
'
