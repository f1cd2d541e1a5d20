#!/bin/sh
# sweep_test.sh QEMU.SH IMAGE MIB... -- boots with each memory size, with an initrd, and has the
# image take all memory that it may, and overwrite what is near to anything else.
set -u
qemu=$1
image=$2
shift 2
folder=${TEST_TMPDIR:-$(mktemp -d)}
failed=0

for mib in "$@"; do
	# An odd length, another for each size, and no two pages alike.
	awk -v n="$mib" 'BEGIN { for (i = 0; i < 20000 + n; i++) print i * n }' >"$folder/initrd"
	sum=$(cksum <"$folder/initrd")
	log=$("$qemu" --memory "$mib" --append "cksum=${sum%% *}" "$image" -- \
		-initrd "$folder/initrd" 2>&1)
	status=$?
	if [ "$status" -ne 0 ] || ! printf '%s\n' "$log" | grep -q '^sweep: .*: ok$'; then
		printf '%s\nFAIL %s MiB: exit status %s\n' "$log" "$mib" "$status"
		failed=1
	else
		echo "ok $mib MiB: $(printf '%s\n' "$log" | grep '^sweep: ')"
	fi
done

# The question can be answered with no: a wrong checksum is noticed.
"$qemu" --append cksum=1 "$image" -- -initrd "$folder/initrd" >/dev/null 2>&1
status=$?
if [ "$status" -ne 1 ]; then
	echo "FAIL wrong checksum: exit status $status"
	failed=1
fi
exit "$failed"
