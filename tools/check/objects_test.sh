#!/bin/sh
# objects_test.sh OBJECTS_SH FILE... -- the check of objects, on canaries that it must catch.
#
# A file's name says what it holds: canary (data, bss or constant) and build
# (x86_64, aarch64, libfuzzer, afl, sanitize, or one of race*).
set -u

check=$1
shift
failed=0

# expect STATUS RULE FILE: one verdict.
expect() {
	said=$("$check" "$2" "$3")
	status=$?
	if [ "$status" -ne "$1" ] || { [ "$1" -eq 1 ] && [ -z "$said" ]; }; then
		failed=$((failed + 1))
		printf 'FAIL %s %s: status %s, wanted %s: %s\n' "$2" "$3" "$status" "$1" "$said"
	fi
}

file_of() {
	name=$1
	shift
	for f; do
		case $f in
		*/"$name"/*) printf '%s' "$f" ;;
		esac
	done
}

for build in x86_64 aarch64; do
	expect 1 stateless "$(file_of data_$build "$@")"
	expect 1 stateless "$(file_of bss_$build "$@")"
	expect 0 stateless "$(file_of constant_$build "$@")"
	expect 0 clean "$(file_of constant_$build "$@")"
	for kind in sanitize libfuzzer afl; do
		expect 1 "$kind" "$(file_of constant_$build "$@")"
	done
done
for kind in sanitize libfuzzer afl; do
	expect 1 clean "$(file_of "constant_$kind" "$@")"
	expect 0 "$kind" "$(file_of "constant_$kind" "$@")"
done
for build in race race_afl race_libfuzzer; do
	expect 0 watched "$(file_of "seen_$build" "$@")"
	expect 1 watched "$(file_of "constant_$build" "$@")"
done
expect 1 watched "$(file_of seen_sanitize "$@")"
expect 0 afl_guards "$(file_of constant_race_afl "$@")"
expect 1 afl_guards "$(file_of constant_afl "$@")"
expect 1 libfuzzer "$(file_of constant_afl "$@")"
expect 1 afl "$(file_of constant_libfuzzer "$@")"

# Looking at nothing is no pass.
empty=${TEST_TMPDIR:-/tmp}/empty.a
rm -f "$empty"
llvm-ar rc "$empty"
expect 1 clean "$empty"
expect 1 stateless "$empty"

[ "$failed" -eq 0 ] && echo 'objects_test: all passed'
exit "$((failed != 0))"
