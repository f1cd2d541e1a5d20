#!/bin/sh
# tables.sh [--check README] ORACLE_H CANARY... PATCH... -- which oracle is proved by what, and the
# defects there are, as two tables in Markdown.
#
# An oracle is proved by a canary, a script that expects it (corpus/canary*; their _fuzz_test replays
# them), and by a defect, a patch that names it and no other.  One that lacks either is a failure.
#
# With --check also a README whose tables, between its two marks, are not these.
set -u
. defects/head.sh
readme=
if [ "$1" = --check ]; then
	readme=$2
	shift 2
fi
header=$1
shift
work=$(mktemp -d) || exit 4
trap 'rm -rf "$work"' EXIT
failed=0

: >"$work/canaries"
for file; do
	case $file in
	*.patch) printf "%s\n" "$file" >>"$work/patches" ;;
	*) sed -n "s/^!expect //p" "$file" >>"$work/canaries" ;;
	esac
done
# Labels hold no spaces.
# shellcheck disable=SC2046
head_check $(cat "$work/patches") || failed=1
# shellcheck disable=SC2046
heads $(cat "$work/patches") >"$work/heads"

print_tables() {
	printf '| oracle | canary | proved by the defects |\n| --- | --- | --- |\n'
	for oracle in $(sed -n 's/^#define ORACLE_[A-Z_]* "\([a-z-]*\)".*/\1/p' "$header"); do
		canary=none defects=$(awk -F "|" -v id="$oracle" '$2 == id { printf " %s", $1 }' \
			"$work/heads")
		grep -qx "$oracle" "$work/canaries" && canary=yes
		[ "$canary" = yes ] || echo "oracle $oracle has no canary" >>"$work/lacks"
		[ -n "$defects" ] || echo "oracle $oracle has no defect" >>"$work/lacks"
		printf '| %s | %s |%s |\n' "$oracle" "$canary" "${defects:- none}"
	done
	printf '\n| defect | what | subject | oracle | seen by |\n| --- | --- | --- | --- | --- |\n'
	awk -F "|" '{ print "| " $1 " | " $7 " | " $3 " | " $2 " | " $6 " |" }' "$work/heads"
}

print_tables >"$work/tables"
if [ -z "$readme" ]; then
	cat "$work/tables"
else
	sed '1,/^<!-- tables begin/d; /^<!-- tables end/,$d' "$readme" >"$work/written"
	diff "$work/written" "$work/tables" || {
		echo "$readme: its tables are not these; tools/bazel run //defects:refresh" >&2
		failed=1
	}
fi
if [ -e "$work/lacks" ]; then
	cat "$work/lacks" >&2
	failed=1
fi
exit $failed
