#!/bin/sh
# benchmark.sh [--seeds N] [ID...] -- how soon each defect is found: executions and seconds, the
# median and the worst of N seeds (5).
#
#	tools/bazel run //defects:benchmark -- --seeds 9
#
# A hunt has no coverage and no corpus, so its executions are a property of the tree alone and are
# the same on every machine; seconds are of this machine.  A hunt is given up at 20 times the
# patch's budget, and counts as that.  Written to anvil-out/ where you stand: defects.txt, a table,
# and defects.svg, a picture.
set -u
. defects/head.sh
arguments benchmark 5 "$@"
command -v gnuplot >/dev/null || {
	echo "benchmark: the picture needs the Debian package gnuplot-nox" >&2
	exit 4
}
out=${BUILD_WORKING_DIRECTORY:-.}/anvil-out
mkdir -p "$out" || exit 4
work=$(mktemp -d) || exit 4
trap 'rm -rf "$work"' EXIT

# One hunt: "EXECUTIONS SECONDS ORACLE"; seconds by the processor, so that a busy machine matters
# less.
hunt() {
	most=$((20 * budget))
	# shellcheck disable=SC2086
	line=$( ("$1" --hunt "$subject" --seed "$2" --runs $most --timeout 20 --expect "$oracle" $flags
		times >"$work/time"))
	at=$(printf '%s' "$line" | sed -n 's/.* execution=\([0-9]*\) .*/\1/p')
	# The second line of `times` is that of children: 0m0.010s 0m0.000s.
	sed -n '2s/[ms]/ /gp' "$work/time" |
		awk -v at="${at:-$most}" '{ printf "%d %.3f\n", at, 60 * ($1 + $3) + $2 + $4 }'
}

: >"$work/rows"
: >"$work/points"
for program in $programs; do
	id=$(basename "$program" _bin)
	is_wanted "$id" || continue
	read_head "$id"
	: >"$work/hunts"
	for seed in $(seq 1 "$seeds"); do hunt "$program" "$seed" >>"$work/hunts"; done
	sort -n "$work/hunts" | awk -v id="$id" -v subject="$subject" -v oracle="$oracle" \
		-v budget="$budget" '
	{ at[NR] = $1; s[NR] = $2 }
	END {
		middle = int((NR + 1) / 2)
		printf "%-14s %-8s %-15s %9d %9d %9d %9.2f %9.2f\n", id, subject, oracle, \
			at[middle], at[NR], budget, s[middle], s[NR]
	}' | tee -a "$work/rows" >&2
	sed "s/^/$id /" "$work/hunts" >>"$work/points"
done

{
	printf '%-14s %-8s %-15s %9s %9s %9s %9s %9s\n' \
		defect subject oracle median worst budget median_s worst_s
	sort -n -k 4,4 "$work/rows"
} >"$out/defects.txt" || exit 4

# The picture: a line for each defect, the quickest at the top.
sort -rn -k 4,4 "$work/rows" | awk '{ print NR, $1, $4, $5, $6 }' >"$work/places"
awk 'NR == FNR { place[$2] = $1; next } { print place[$1], $2 }' "$work/places" "$work/points" \
	>"$work/dots"
gnuplot >"$out/defects.svg" <<PLOT || exit 4
set terminal svg size 900, 140 + 20 * $(wc -l <"$work/places") font "sans-serif,12" background "white"
set title "Executions until the oracle fires, $seeds seeds each"
set logscale x
set xrange [0.7:*]
set yrange [0:$(wc -l <"$work/places") + 1]
set xlabel "executions"
set grid x
set key at graph 1, graph 1.02 right bottom horizontal
set title offset 0, 1
plot "$work/dots" using 2:1 title "each seed" with points pt 6 ps 0.5 lc rgb "#888888", \
     "$work/places" using 3:1:ytic(2) title "median" with points pt 7 ps 0.6 lc rgb "#1f5fa8", \
     "$work/places" using 5:1 title "budget" with points pt 2 ps 0.5 lc rgb "#c04020"
PLOT
cat "$out/defects.txt"
echo "written: $out/defects.txt $out/defects.svg"
