#!/bin/sh
# survive.sh BUILDS PROGRAM... -- what one build finds and writes down, others find again.
#
# PROGRAMs come in groups of 1 + BUILDS: the replay program with one defect in it, named ID_found,
# and the same built otherwise, named ID_BUILD (rebuilt.bzl).  The first hunts; each finding whose
# turns could be written down is replayed by the others, and must end with the same oracle, at the
# same operation, with the same digest.  So must it in the program itself.
#
# What must be lost, or nothing of this says anything: some of the same scripts without their turns.
#
# The first of the others, which has more points and memory elsewhere but else the same code, must
# lose none.  The further ones are compiled in other ways, so they look at memory in other orders:
# what they lose is told.
set -u
. defects/head.sh
builds=$1
shift
seeds=${SEEDS:-3} failed=0
work=${TEST_TMPDIR:-$(mktemp -d)}
: >"$work/rows"
: >"$work/needed_turns"

fail() {
	echo "survive: $*" >&2
	failed=1
}

# hunt ID ORACLE PROGRAM SUBJECT BUDGET SEED: the finding, if it was listed, in $work/ID/SEED-*.
hunt() {
	mkdir -p "$work/$1" "$work/$1.turnless"
	"$3" --hunt "$4" --seed "$6" --runs "$5" --expect "$2" --out "$work/out" >"$work/said" || {
		echo "$1 $2 seed $6: not found" >&2
		return
	}
	file=$(find "$work/out" -type f ! -name '*.txt')
	if grep -q ' listed oracle=' "$work/said"; then
		mv "$file" "$work/$1/$2-$6"
		sed '/^at /d' "$work/out/"*.txt >"$work/$1.turnless/$2-$6"
	else
		fail "$1 $2 seed $6: $(tail -n 1 "$work/said" | sed 's/.* as it was: //')"
		lost=$((lost + 1))
	fi
	rm -rf "$work/out"
}

# endings PROGRAM FOLDER: a line for each file, by its name.
endings() {
	"$1" --timeout 60 "$2" 2>/dev/null | sed 's/ ops=[0-9]*//; s/^[^ ]*\///'
}

# Of each such line the file and its oracle: without its turns a script has fewer operations.
oracles() {
	sed 's/^\([^ ]*\).* \(oracle=[^ ]*\).*/\1 \2/'
}

# compare ID BUILD PROGRAM MUST: how many of ID's findings end there as they did at first.
compare() {
	endings "$3" "$work/$1" >"$work/there"
	same=$(grep -cxFf "$work/there" "$work/here")
	printf '%s %s %s %s\n' "$1" "$2" "$same" "$(wc -l <"$work/here")" >>"$work/rows"
	[ "$same" -eq "$(wc -l <"$work/here")" ] && return
	[ "$4" = no ] || fail "$1: lost in the build $2"
	grep -vxFf "$work/there" "$work/here" | sed 's/^/  was /' >&2
	grep -vxFf "$work/here" "$work/there" | sed "s/^/  $2: /" >&2
}

group() {
	found=$1 lost=0
	shift
	id=$(basename "$found" _found)
	if [ "$id" = canary_smp ]; then
		for oracle in deadlock lost-wake race; do
			for seed in $(seq 1 "$seeds"); do
				hunt "$id" $oracle "$found" canary_smp 1000 "$seed"
			done
		done
	else
		patch=defects/$id.patch
		oracle=$(head_of "$patch" Oracle | sed 's/[, ].*//')
		for seed in $(seq 1 "$seeds"); do
			hunt "$id" "$oracle" "$found" "$(head_of "$patch" Subject)" \
				"$((5 * $(head_of "$patch" Budget)))" "$seed"
		done
	fi
	endings "$found" "$work/$id" >"$work/here"
	[ -s "$work/here" ] || {
		fail "$id: nothing to compare"
		return
	}
	endings "$found" "$work/$id.turnless" | oracles >"$work/there"
	oracles <"$work/here" | grep -vxFf "$work/there" >>"$work/needed_turns"
	must=yes
	for program; do
		compare "$id" "$(basename "$program" | sed "s/^${id}_//")" "$program" $must
		must=no
	done
}

while [ $# -gt 0 ]; do
	all='' n=0
	while [ $n -le "$builds" ]; do
		all="$all $1"
		n=$((n + 1))
		shift
	done
	# Programs have no spaces in their names.
	# shellcheck disable=SC2086
	group $all
done
[ -s "$work/needed_turns" ] || fail "every finding shows without its turns too"
echo "$(wc -l <"$work/needed_turns") need their turns"
awk '{ same[$2] += $3; of[$2] += $4 } END { for (b in of) print b ": " same[b] " of " of[b] }' \
	"$work/rows"
cat "$work/rows"
exit $failed
