#!/bin/sh
# bench.sh BENCH TRACE... -- what the allocators cost: instructions and memory, as a table.
#
# Instructions are counted by callgrind inside the calls alone (functions bench_*, see play.c), in
# the release build for the host: the same number on every machine and every run.  "All" and "small"
# (requests of at most 2,048 bytes, before and after) are two runs of one trace.  Payload copies of
# realloc count.  "Least arena" is the smallest in which no request fails, all of the allocator's
# own state inside it; no profiler is needed for that.
set -u

bench=$1
shift

if ! command -v valgrind >/dev/null 2>&1; then
	echo "bench: needs valgrind (Debian package valgrind)" >&2
	exit 4
fi
log=$(mktemp) || exit 4
trap 'rm -f "$log"' EXIT

# counted FUNCTIONS ARG...: instructions inside FUNCTIONS while the program runs with ARGs.
counted() {
	toggles=
	for f in $1; do toggles="$toggles --toggle-collect=$f"; done
	shift
	# shellcheck disable=SC2086 # a list of options
	valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no $toggles \
		"$bench" "$@" >/dev/null 2>"$log" || {
		echo "bench: failed under valgrind: $bench $*" >&2
		cat "$log" >&2
		exit 1
	}
	sed -n 's/.*Collected : //p' "$log"
}

small='bench_small_alloc bench_small_realloc bench_small_free'
large='bench_large_alloc bench_large_realloc bench_large_free'

for trace; do
	operations=$("$bench" play "$trace") || exit 1
	memory=$("$bench" least "$trace") || exit 1
	all_ir=$(counted "$small $large" play "$trace") || exit 1
	small_ir=$(counted "$small" play "$trace") || exit 1
	echo "$(basename "$trace" .rep) $operations $all_ir $small_ir $memory"
done | awk '
	BEGIN {
		print "kmalloc, kfree, krealloc: instructions per operation, memory used at peak"
		print ""
		row = "%-12s %8s %8s %10s %10s %10s %10s %8s\n"
		printf row, "trace", "ops", "small", "all", "small", "peak", "least", "used"
		printf row, "", "", "ops", "Ir/op", "Ir/op", "KiB", "KiB", "%"
	}
	{
		ops = $2 + $3; all = $5 / ops; small = $6 / $2; used = $7 / $8
		printf row, $1, ops, $2, sprintf("%.1f", all), sprintf("%.1f", small),
			sprintf("%.0f", $7 / 1024), sprintf("%.0f", $8 / 1024),
			sprintf("%.1f", 100 * used)
		sum_all += log(all); sum_small += log(small); sum_used += log(used); n++
		if (n == 1 || used < least_used)
			least_used = used
	}
	END {
		if (!n)
			exit 1
		printf row, "geom. mean", "", "", sprintf("%.1f", exp(sum_all / n)),
			sprintf("%.1f", exp(sum_small / n)), "", "",
			sprintf("%.1f", 100 * exp(sum_used / n))
		printf row, "(wanted)", "", "", "90", "60", "", "", "70"
	}
' || exit 1

# A page taken and given back: from the CPU cache, and from a pool of one large block that is
# split down to a page and merged again each time.
pairs=1000
cached=$(counted bench_page_pairs pages 32 "$pairs") || exit 1
split=$(counted bench_page_pairs pages 0 "$pairs") || exit 1
echo
echo "one page, alloc + free: $((cached / pairs)) instructions from the cache (wanted 60)," \
	"$((split / pairs)) with splits and merges of all orders (wanted 250)"
