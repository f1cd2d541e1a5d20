#!/bin/sh
# tlbtrace_test.sh QEMU.SH STRESS_KERNEL USER_IMAGE TLBTRACE -- what the booted kernel does to page
# tables is traced, and no rule is broken: by spaces in turns and on two CPUs at once, short of
# memory and not, and by tables made by hand.  Where rules are broken on purpose it is seen.
set -u
qemu=$1 stress=$2 user=$3 tlbtrace=$4
folder=${TEST_TMPDIR:-$(mktemp -d)}
failed=0

judge() { # NAME STATUS WORDS IMAGE ARGUMENTS OPTION...
	name=$1 want=$2 words=$3 image=$4 arguments=$5
	shift 5
	rm -f "$folder/trace"
	log=$("$qemu" --timeout 200 --memory 256 \
		--append "tlbtrace=$folder/trace $arguments" "$image" "$@" 2>&1)
	ended=$?
	said=$("$tlbtrace" "$folder/trace" 2>&1)
	status=$?
	if [ "$ended" -ne 0 ] || [ "$status" -ne "$want" ] ||
		! printf '%s\n' "$said" | grep -q -e "$words" ||
		! printf '%s\n' "$log" | grep -q ' events, 0 more were lost$'; then
		printf '%s\n%s\nFAIL %s: %s, judged %s\n' "$log" "$said" "$name" "$ended" "$status"
		failed=1
	else
		echo "ok $name: $(printf '%s\n' "$said" | tail -n 1)"
	fi
}

fine='events, no rule broken'
judge space 0 "$fine" "$stress" "tlbtrace-events=2000000 stress=space cycles=4 operations=400" -- \
	-smp 4 -icount shift=3,sleep=off
judge exhausted 0 "$fine" "$stress" "tlbtrace-events=700000 stress=space cycles=4 operations=50 exhaust" -- \
	-smp 2 -m 64 -icount shift=3,sleep=off
judge parallel 0 "$fine" "$stress" "stress=space cycles=4 operations=300" -- -smp 2
judge maps 0 "$fine" "$stress" "stress=maps cycles=4 operations=2000" -- \
	-smp 4 -icount shift=3,sleep=off
judge by-hand 0 "$fine" "$user" "" -- -smp 2
judge broken 1 'bbm: ' "$user" break-rules -- -smp 2
judge broken 1 'tlbi-scope\|table-early\|stale-tlb' "$user" break-rules -- -smp 2
exit "$failed"
