#!/bin/sh
# latency.sh [--seeds N] [ID...] -- how late each defect is reported: operations from where its
# fault is there for who looks at everything to where an oracle fires, the median and the worst of N
# seeds (5).
#
#	tools/bazel run //defects:latency -- --seeds 9
#
# What is there is found by running the script again with ever more of its operations
# (fuzz/frame/latency.c).  Defects that only show where CPUs take turns are left out: there another number
# of operations is another run.  Written to anvil-out/latency.txt where you stand.
set -u
. defects/head.sh
arguments latency 5 "$@"
out=${BUILD_WORKING_DIRECTORY:-.}/anvil-out
mkdir -p "$out" || exit 4
work=$(mktemp -d) || exit 4
trap 'rm -rf "$work"' EXIT

# "LATENCY OPERATIONS" of one hunt, or nothing.
hunt() {
	# shellcheck disable=SC2086
	"$1" --hunt "$subject" --seed "$2" --runs $((20 * budget)) --timeout 20 --expect "$oracle" \
		$flags --latency | sed -n 's/^latency=\([0-9]*\) there=[0-9]* reported=\([0-9]*\)$/\1 \2/p'
}

: >"$work/rows"
for program in $programs; do
	id=$(basename "$program" _bin)
	is_wanted "$id" || continue
	read_head "$id"
	: >"$work/hunts"
	for seed in $(seq 1 "$seeds"); do
		hunt "$program" "$seed" >>"$work/hunts"
		[ -s "$work/hunts" ] || break
	done
	sort -n "$work/hunts" | awk -v id="$id" -v subject="$subject" -v oracle="$oracle" '
	{ late[NR] = $1; at[NR] = $2 }
	END {
		if (NR != 0) printf "%-18s %-9s %-15s %8d %8d %8d\n", id, subject, oracle, \
			late[int((NR + 1) / 2)], late[NR], at[NR]
	}' | tee -a "$work/rows" >&2
done

{
	printf '%-18s %-9s %-15s %8s %8s %8s\n' defect subject oracle median worst of
	sort -k 4,4n -k 5,5n "$work/rows"
} >"$out/latency.txt" || exit 4
cat "$out/latency.txt"
awk '{ n[$4 == 0 ? 0 : $4 < 10 ? 1 : 2]++ }
END { printf "%d at once, %d within ten operations, %d later\n", n[0], n[1], n[2] }' "$work/rows"
echo "written: $out/latency.txt"
