#!/bin/sh
# strategies.sh [--seeds N] [ID...] -- which strategy finds the defects that show where operations run
# side by side: listed decisions, robin, priorities, each by itself; at points that calls pass, and
# at loads and stores too.
#
#	tools/bazel run //defects:strategies -- --seeds 20
#
# Each cell is found-of-N and the median of the executions, of those that found it.  A hunt is given
# up at the patch's budget.  Written to anvil-out/strategies.md where you stand, as a table.
set -u
. defects/head.sh
arguments strategies 20 "$@"
out=${BUILD_WORKING_DIRECTORY:-.}/anvil-out
mkdir -p "$out" || exit 4

# cell PROGRAM PATCH STRATEGY: " found of seeds, median |".
cell() {
	for seed in $(seq 1 "$seeds"); do
		"$1" --hunt "$(head_of "$2" Subject)" --strategy "$3" --seed "$seed" \
			--runs "$(head_of "$2" Budget)" --timeout 20 \
			--expect "$(head_of "$2" Oracle | sed 's/[, ].*//')" 2>/dev/null |
			sed -n 's/.* execution=\([0-9]*\) .*/\1/p'
	done | sort -n | awk -v seeds="$seeds" '
	{ at[NR] = $1 }
	END {
		if (NR == 0) printf " 0 |"
		else printf " %s%d |", NR == seeds ? "" : NR " of " seeds ": ", at[int((NR + 1) / 2)]
	}'
}

{
	echo "| defect | points at | listed | robin | priority |"
	echo "| --- | --- | ---: | ---: | ---: |"
	for program in $programs; do
		id=$(basename "$program" | sed 's/_bin$//; s/_found$//') points=calls
		case $program in *_found) points="loads, stores" ;; esac
		is_wanted "$id" || continue
		printf '| %s | %s |' "$id" "$points"
		for strategy in listed robin priority; do
			cell "$program" "defects/$id.patch" $strategy
		done
		echo
	done
} | tee "$out/strategies.md"
echo "written: $out/strategies.md" >&2
