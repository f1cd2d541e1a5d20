#!/bin/sh
# apply.sh PATCH STATUS FOLDER FILE... -- copies of FILEs below FOLDER, with the defect in them.
#
# STATUS says "applied", or in one line why not; then the copies are the clean files.  This always
# succeeds: a patch that no longer applies is to be a failing test, not a build that stops.  No
# hunk may need its context guessed at (--fuzz=0); lines may have moved.
set -u
patch=$1 status=$2 folder=$3
shift 3

copy() {
	for file; do
		mkdir -p "$folder/$(dirname "$file")" && cp -f "$file" "$folder/$file" &&
			chmod u+w "$folder/$file" || exit 4
	done
}

# What patch(1) complained of, in one line.
reason() {
	awk -v name="$(basename "$patch")" '
	/^patching file / { file = $3 }
	/^Hunk #/ && /FAILED/ {
		number = $2
		sub("#", "", number)
		line = $NF
		sub(/\.$/, "", line)
		printf "%s: hunk %s does not apply to %s (line %s)", name, number, file, line
		said = 1
		exit
	}
	END { if (!said) printf "%s: does not apply: it names files that BUILD does not give it", name }
	' "$1"
	printf '; tools/bazel run //defects:refresh\n'
}

copy "$@"
if log=$(LC_ALL=C patch --batch --fuzz=0 --forward --no-backup-if-mismatch --reject-file=- \
	-p1 -d "$folder" 2>&1 <"$patch"); then
	echo applied >"$status"
else
	printf '%s\n' "$log" >"$status.log"
	reason "$status.log" >"$status"
	rm -f "$status.log"
	copy "$@"
fi
