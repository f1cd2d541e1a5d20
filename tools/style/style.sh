#!/bin/sh
# style.sh [--check] [ROOT] -- the tree's style: its figures, or (--check) what breaks a rule.
#
# ROOT is a checkout; without it the one that this file belongs to.  Looks at every file
# that git would commit.  Exits 1 when --check finds something.
set -u

here=$(dirname -- "$(readlink -f -- "$0")")
figures=1
if [ "${1:-}" = --check ]; then
	figures=
	shift
fi
cd -- "${1:-$here/../..}" || exit 2

# Only text that people write; corpus files and patches keep the bytes they have.
git ls-files --cached --others --exclude-standard |
	grep -E '(\.(c|h|S|ld|sh|awk|bzl|md|txt)|(^|/)(BUILD|WORKSPACE|MODULE\.bazel|bazel|run))$' |
	while read -r file; do [ -f "$file" ] && printf '%s\n' "$file"; done |
	LC_ALL=C xargs awk -v exceptions="${STYLE_EXCEPTIONS:-$here/exceptions.txt}" \
		-v figures="$figures" -f "$here/style.awk"
status=$?
[ "$status" -eq 0 ] || exit 1
