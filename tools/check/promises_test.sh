#!/bin/sh
# promises_test.sh PROMISED [ROOT] -- PROMISES.md has each row once, each row says something, and each
# target that it names exists.
#
# PROMISED is a query's answer to the targets of promised.bzl: if one of those did not exist, there
# would be none.  What //defects: is before is a patch in defects/, or a command there.  ROOT is a checkout;
# without it the one that this file belongs to.
set -u
export LC_ALL=C
work=${TEST_TMPDIR:-$(mktemp -d)}
sort "$1" >"$work/promised"
cd -- "${2:-$(dirname -- "$(readlink -f -- "$0")")/../..}" || exit 4
failed=0

say() {
	echo "PROMISES.md: $*" >&2
	failed=1
}

sed -n 's/^| \(P[0-9]*\.[0-9]*\) | .* |$/\1/p' PROMISES.md >"$work/rows"
for part in 1:19 2:13 3:17 4:14 5:23; do
	seq -f "P${part%:*}.%.0f" "${part#*:}"
done >"$work/wanted"
diff "$work/wanted" "$work/rows" >&2 || say "rows are missing, or too many (<, >)"

# A row ends with a target, "not yet", or why there is nothing to show.
grep '^| P' PROMISES.md | grep -vE '`//|not yet|nothing to show|out of scope' >&2 &&
	say "these rows say nothing"

# shellcheck disable=SC2016 # the quotes are the file's
grep -oE '`//[^`]*`' PROMISES.md | tr -d '`' | sort -u >"$work/named"
grep -v '^//defects:' "$work/named" | diff "$work/promised" - >&2 ||
	say "tools/check/promised.bzl is not what is named (<, >)"
for defect in $(sed -n 's|^//defects:||p' "$work/named"); do
	# What a stress says of a defect has the program's name behind the patch's.
	[ -f "defects/$defect.patch" ] || [ -f "defects/$defect.sh" ] ||
		{ [ -f "defects/${defect%_*}.patch" ] && [ -f "stress/user/${defect##*_}.c" ]; } ||
		say "there is no defects/$defect.patch"
done
exit "$failed"
