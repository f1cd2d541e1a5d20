#!/bin/sh
# clean.sh PROGRAM RACE_PROGRAM PATCH... -- on the clean tree, where each patch's defect would be
# found, no oracle fires: same subjects, same seed, as many executions as the largest budget; with
# the second program, where loads and stores are seen, for the patches that say Seen-by: race.
set -u
. defects/head.sh
plain=$1 race=$2
shift 2

# Lines "MACHINE SUBJECT BUDGET FLAG...", the largest budget for each machine, subject and set of
# flags.
hunts() {
	heads "$@" | awk -F "|" '
	{ machine = $6 == "race" ? "race" : "plain" }
	{ key = machine FS $3 FS $5; if ($4 > most[key] + 0) most[key] = $4 }
	END { for (key in most) { split(key, part, FS); print part[1], part[2], most[key], part[3] } }' |
		sort
}

failed=0
list=$(hunts "$@")
while read -r machine subject budget flags; do
	program=$plain
	[ "$machine" = plain ] || program=$race
	# shellcheck disable=SC2086
	"$program" --hunt "$subject" --seed 1 --runs "$budget" $flags || failed=1
done <<LIST
$list
LIST
exit $failed
