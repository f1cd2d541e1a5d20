#!/bin/sh
# clean.sh PROGRAM PATCH... -- on the clean tree, where each patch's defect would be found, no
# oracle fires: same subjects, same seed, as many executions as the largest budget.
set -u
. defects/head.sh
program=$1
shift

# Lines "SUBJECT BUDGET FLAG...", the largest budget for each subject and set of flags.
hunts() {
	heads "$@" | awk -F "|" '
	{ key = $3 FS $5; if ($4 > most[key] + 0) most[key] = $4 }
	END { for (key in most) { split(key, part, FS); print part[1], most[key], part[2] } }' |
		sort
}

failed=0
list=$(hunts "$@")
while read -r subject budget flags; do
	# shellcheck disable=SC2086
	"$program" --hunt "$subject" --seed 1 --runs "$budget" $flags || failed=1
done <<LIST
$list
LIST
exit $failed
