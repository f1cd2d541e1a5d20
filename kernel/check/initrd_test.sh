#!/bin/sh
# initrd_test.sh QEMU.SH IMAGE -- the initrd's pages in users' spaces (initrd_program.c).
set -u
qemu=$1
image=$2
file=$(mktemp) || exit 4
trap 'rm -f "$file"' EXIT

# Three pages of 8-byte words that count from 0, and five words more.
printf '%b' "$(awk 'BEGIN {
	zeroes = "\\0000\\0000\\0000\\0000\\0000\\0000"
	for (n = 0; n < 1541; n++) printf "\\0%03o\\0%03o%s", n % 256, int(n / 256), zeroes
}')" >"$file"
[ "$(wc -c <"$file")" = 12328 ] || {
	echo "initrd_test: the file has not the size that it should have" >&2
	exit 1
}
"$qemu" "$image" -- -initrd "$file"
