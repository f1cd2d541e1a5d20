#!/bin/sh
# rule_test.sh CLEAN DEFECT PATCH STATUS -- the rule itself can fail: what a patch that does not apply,
# a defect that nothing finds, a head with a gap, a clean tree that is not silent and an oracle
# without proof look like.  CLEAN and DEFECT are the replay program without and with PATCH.
set -u
here=$PWD
clean=$here/$1 defect=$here/$2 patch=$here/$3 status=$here/$4
work=$TEST_TMPDIR
id=$(basename "$patch" .patch)
file=$(sed -n 's/^+++ b\///p' "$patch")

fail() {
	printf 'rule_test: %s\n' "$*" >&2
	exit 1
}

# expect CODE WORDS COMMAND...: its exit status, and what it must say.
expect() {
	code=$1 words=$2
	shift 2
	"$@" >"$work/said" 2>&1
	got=$?
	[ $got -eq "$code" ] || fail "exit $got, not $code: $* said: $(cat "$work/said")"
	grep -q -e "$words" "$work/said" || fail "no '$words' from $*: $(cat "$work/said")"
}

# --- a patch that applies, and one that does not --------------------------------------------------
sh defects/apply.sh "$patch" "$work/status" "$work/copies" "$file"
[ "$(cat "$work/status")" = applied ] || fail "apply: $(cat "$work/status")"
cmp -s "$file" "$work/copies/$file" && fail "apply changed nothing"
mkdir -p "$work/other"
sed '/^---/!s/^-.*/& of another tree/' "$patch" >"$work/other/$id.patch"
sh defects/apply.sh "$work/other/$id.patch" "$work/other/status" "$work/copies" "$file"
grep -q "^$id.patch: hunk 1 does not apply to $file (line [0-9]*); tools/bazel run" \
	"$work/other/status" || fail "apply said: $(cat "$work/other/status")"
cmp -s "$file" "$work/copies/$file" || fail "a patch that does not apply left changes"
expect 1 'hunk 1 does not apply' sh defects/hunt.sh "$patch" "$work/other/status" "$defect"

# --- a hunt ------------------------------------------------------------------------------------------
expect 0 'oracle=' sh defects/hunt.sh "$patch" "$status" "$defect"
expect 1 'nothing found it' sh defects/hunt.sh "$patch" "$status" "$clean"
sed '/^Budget/d' "$patch" >"$work/other/$id.patch"
expect 1 'no line "Budget' sh defects/hunt.sh "$work/other/$id.patch" "$status" "$defect"
sed 's/^Seen-by:.*/Seen-by: host/' "$patch" >"$work/other/$id.patch"
expect 1 'host_only' sh defects/hunt.sh "$work/other/$id.patch" "$status" env "$defect"

# --- the clean tree must be silent -------------------------------------------------------------------
expect 0 'did not fire' sh defects/clean.sh "$clean" "$defect" "$patch"
expect 1 'panic: ' sh defects/clean.sh "$defect" "$clean" "$patch"
sed 's/^Seen-by:.*/Seen-by: race/' "$patch" >"$work/other/$id.patch"
expect 0 'did not fire' sh defects/clean.sh "$defect" "$clean" "$work/other/$id.patch"
expect 1 'panic: ' sh defects/clean.sh "$clean" "$defect" "$work/other/$id.patch"

# --- an oracle must be proved -------------------------------------------------------------------------
oracle=$(sed -n 's/^Oracle: //p' "$patch")
printf '#define ORACLE_X "%s"\n#define ORACLE_Y "unheard"\n' "$oracle" >"$work/oracle.h"
printf '!expect %s\n' "$oracle" >"$work/canary"
expect 1 'oracle unheard has no canary' sh defects/tables.sh "$work/oracle.h" "$work/canary" "$patch"
expect 1 'oracle unheard has no defect' sh defects/tables.sh "$work/oracle.h" "$work/canary" "$patch"
sed -i 2d "$work/oracle.h"
expect 0 "| $oracle | yes | $id |" sh defects/tables.sh "$work/oracle.h" "$work/canary" "$patch"

# --- a refresh: lines moved, lines near it changed, the line itself changed -------------------------
mkdir -p "$work/tree/defects" "$work/tree/fuzz/frame" "$work/tree/corpus/canary/seeds" \
	"$work/tree/$(dirname "$file")"
cp defects/*.sh "$work/tree/defects"
cp "$work/oracle.h" "$work/tree/fuzz/frame/oracle.h"
cp "$work/canary" "$work/tree/corpus/canary/seeds/one"
printf '<!-- tables begin -->\n<!-- tables end -->\n' >"$work/tree/defects/README.md"
refresh() {
	cp "$patch" "$work/tree/defects/$id.patch"
	env BUILD_WORKSPACE_DIRECTORY="$work/tree" sh "$work/tree/defects/refresh.sh"
}
chmod -R u+w "$work/tree"
{ echo '/* one more line */' && cat "$file"; } >"$work/tree/$file"
expect 0 "$id: written again, applied exactly" refresh
grep -q "^| $oracle | yes | $id |" "$work/tree/defects/README.md" || fail "README: no table"
first=$(sed -n '/^@@/{n;s/^ //p;q;}' "$patch")
grep -vxF -e "$first" "$file" >"$work/tree/$file"
expect 0 "$id: written again, applied with fuzz" refresh
: >"$work/tree/$file"
expect 1 "to be made by hand: $id" refresh
