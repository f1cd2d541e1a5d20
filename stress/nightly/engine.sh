#!/bin/sh
# engine.sh SECONDS RUN CORPUS SEEDS PROGRAM FLAG... -- an engine's turn on a subject.
#
# The engine reads what the subject's own corpus has and the seeds of the tree, and puts what it
# learns into CORPUS.new, at once.  Then both are merged: of the inputs that show the same, the
# shortest stay, and these are the corpus from then on.  So the next night begins with all that was
# learned, and the corpus does not grow by what shows nothing.
#
# A kill at any moment loses nothing.  CORPUS.new goes only after the merged corpus stands in its
# place; until then the next turn reads it, too, and merges it.  Between the two renames the corpus
# has another name, CORPUS.old, by which the next turn finds it.  Merging has a third of SECONDS at
# most; what takes longer waits for the next turn.
#
# RUN is a folder of this turn's own.  Exit: the engine's; 4: a folder cannot be written to.
set -u
export LC_ALL=C

seconds=$1 run=$2 corpus=$3 seeds=$4 program=$5
shift 5
new=$corpus.new merged=$corpus.part old=$corpus.old

rmdir "$corpus" 2>/dev/null # if somebody made it anew, empty
[ -d "$corpus" ] || [ ! -d "$old" ] || mv "$old" "$corpus" || exit 4
rm -rf "$merged" "$old"
mkdir -p "$corpus" "$new" "$merged" || exit 4

count() { find "$1" -type f | wc -l; }

third=$((seconds / 3))
"$program" "$@" -max_total_time="$((seconds - third > 0 ? seconds - third : 1))" \
	"$new" "$corpus" "$seeds"
status=$?

found=$(count "$new")
[ "$found" -gt 0 ] || exit "$status"
had=$(count "$corpus")
if timeout -k 1 "$((third > 0 ? third : 1))" "$program" -merge=1 -timeout=25 -rss_limit_mb=2560 \
	-max_len=16384 "$merged" "$corpus" "$new" >"$run/merge" 2>&1 &&
	[ "$(count "$merged")" -gt 0 ] &&
	mv "$corpus" "$old" && mv "$merged" "$corpus"; then
	rm -rf "$new" "$old"
	features=$(sed -n 's/^MERGE-OUTER: .* with \([0-9]*\) new features.*/, \1 features/p' "$run/merge")
	echo "merged: $found new inputs and $had of before are $(count "$corpus") now$features"
else
	echo "merged: not yet: $found new inputs wait for the next turn"
fi
exit "$status"
