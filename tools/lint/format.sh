#!/bin/sh
# format.sh [--check] [FILE...] -- clang-format over the C files given, or over all of the tree.
#
# --check changes nothing, shows what would change, and exits 1 if that is anything.
set -u

self=$(readlink -f -- "$0")
cd -- "${BUILD_WORKSPACE_DIRECTORY:-.}" || exit 2
check=
if [ "${1:-}" = --check ]; then
	check=1
	shift
fi
if [ $# -eq 0 ]; then
	git ls-files -z --cached --others --exclude-standard -- "*.c" "*.h" |
		xargs -0 "$self" ${check:+--check} || exit 1
	exit
fi

wrong=0
for file; do
	if [ -z "$check" ]; then
		clang-format -i "$file" || wrong=1
	else
		clang-format "$file" |
			diff -u --label "$file" --label "$file, formatted" "$file" - || wrong=1
	fi
done
exit "$wrong"
