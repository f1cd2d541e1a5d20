#!/bin/sh
# tlbtrace_test.sh TLBTRACE SAMPLE -- good and bad traces, and what the judge says of each.
set -u

judge=$1
sample=$2
file=${TEST_TMPDIR:-/tmp}/trace
failed=0

# tried NAME STATUS PATTERN: the sample NAME ends so, and one line of the answer is like PATTERN.
tried() {
	"$sample" "$1" >"$file" || exit 4
	said=$("$judge" "$file" 2>&1)
	status=$?
	if [ "$status" -ne "$2" ] || ! printf '%s\n' "$said" | grep -q "$3"; then
		echo "FAIL $1: wanted $2 and '$3', got $status:"
		echo "$said"
		failed=1
	fi
}

tried good 0 '^16 events, no rule broken$'
tried unbroken 1 'cpu 0: bbm: va 400000 '
tried uninvalidated 1 ': stale-tlb: .* it was not invalidated'
tried unwaited 1 ': stale-tlb: .* not waited for'
tried other-asid 1 ': tlbi-scope: .* another ASID'
tried local 1 ': tlbi-scope: .* some CPUs only'
tried local 1 '^16 events, 1 broken rules$'
tried root 1 ': root-in-use: '
for damage in magic version gap kind cpu memory cut longer; do
	tried "$damage" 3 '^tlbtrace: .*trace: '
done

"$judge" >/dev/null 2>&1
[ $? -eq 2 ] || { echo "FAIL: no argument is not a usage error" && failed=1; }
"$judge" "$file.none" >/dev/null 2>&1
[ $? -eq 3 ] || { echo "FAIL: a file that is not there is not refused" && failed=1; }
exit "$failed"
