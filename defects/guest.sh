#!/bin/sh
# guest.sh STATUS VERDICT USER_SH QEMU MKCPIO PACKAGE KERNEL INIT PROGRAM NAME WORD... -- a stress of
# programs in which the kernel, or the program, has a defect: it must fail, with VERDICT among what it
# says.  WORDs are user.sh's flags and the program's keys.
set -u
export LC_ALL=C
status=$1 verdict=$2 user=$3 qemu=$4 mkcpio=$5 package=$6 kernel=$7 init=$8 program=$9
shift 9
name=$1
shift

if [ "$(cat "$status")" != applied ]; then
	cat "$status"
	exit 1
fi
folder=${TEST_TMPDIR:-/tmp}/programs
mkdir -p "$folder" && cp -L "$init" "$folder/init" && cp -L "$program" "$folder/$name" || exit 4
flags=''
while [ $# -gt 0 ] && [ "${1#--}" != "$1" ]; do
	flags="$flags $1 $2"
	shift 2
done
# shellcheck disable=SC2086 # words
sh "$user" "$qemu" "$mkcpio" "$package" "$kernel" "$folder" --memory 128 --timeout 100 $flags \
	"$name" "$@" >"$folder/log" 2>&1
ended=$?
if [ $ended -eq 1 ] && grep -E "^$verdict" "$folder/log"; then exit 0; fi
tail -n 20 "$folder/log"
echo "exit $ended, not 1 with '$verdict'"
exit 1
