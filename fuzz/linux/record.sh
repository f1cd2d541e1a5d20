#!/bin/sh
# record.sh PLAYER BATCH BOOT_SH PACKAGE_SH SCRIPT... [--out FOLDER] -- what //fuzz/linux:record runs.
#
# Plays the scripts of corpus/space on Debian's Linux and writes what it answers to corpus/linux/NAME
# of the checkout, a line for each operation: its number, and its answers in order.  Nothing is
# written unless Linux agrees with the model; otherwise //fuzz/linux:compare tells what differs.
#
# Exit: 0 written; 1 Linux and the model differ; 2 usage; 3 a file is no script; 4 a package, the
# network or room is missing; 5 Linux did not come to an end.
set -u
export LC_ALL=C
command=record
. tools/build/command.sh

[ -n "${BUILD_WORKSPACE_DIRECTORY:-}" ] || fail 2 "start it by tools/bazel run //fuzz/linux:record"
player=$(absolute "$1") batch=$(absolute "$2") boot=$(absolute "$3") package=$(absolute "$4")
shift 4
out=$BUILD_WORKING_DIRECTORY/anvil-out/linux records=$BUILD_WORKSPACE_DIRECTORY/corpus/linux

for script; do basename "$script"; done | sort | uniq -d | grep . >&2 &&
	fail 2 "two scripts have this name, and a record can be of one only"
mkdir -p "$out" "$records" || exit 4
"$package" "$out" || exit $?
"$batch" --out "$out/batch" "$@" || exit $?
"$boot" "$out/vmlinuz" "$player" "$out/batch" "$out/said" 600 record || exit $?
grep -q ', 0 differ$' "$out/said" || fail 1 "Linux and the model differ; see $out/said"

number=0
for script; do
	name=$(basename "$script")
	{
		echo "# What Linux answers to $name, operation by operation ($(cat "$out/version"))."
		awk -v n="$number" -v op=-1 '
			$1 == "answer" && $2 == n && $3 == op { line = line " " $4; next }
			$1 == "answer" && $2 == n { if (line != "") print line
				op = $3; line = $3 " " $4 }
			END { if (line != "") print line }' "$out/said"
	} >"$records/$name" || fail 4 "cannot write $records/$name"
	number=$((number + 1))
done
rm -f "$out/batch"
echo "record: $number scripts in $records"
