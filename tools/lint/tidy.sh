#!/bin/sh
# tidy.sh [FILE...] -- clang-tidy, with each file's own flags, over the C files given, or over all
# that are compiled.  The checks are in .clang-tidy.  Exits 1 when it finds something.
set -u

cd -- "${BUILD_WORKSPACE_DIRECTORY:-.}" || exit 2
here=$(dirname -- "$(readlink -f -- "$0")")
"$here/compile_commands.sh" >/dev/null || exit 4
if [ $# -eq 0 ]; then
	# shellcheck disable=SC2046 # no path of this tree has a space
	set -- $(sed -n 's/.*"file": "\([^"]*\.c\)".*/\1/p' compile_commands.json | sort)
fi
printf "%s\\0" "$@" | xargs -0 -n 4 -P "$(nproc)" clang-tidy --quiet -p . 2>/dev/null || exit 1
