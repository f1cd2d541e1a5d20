#!/bin/sh
# unit.sh PATCH STATUS PROGRAM -- PROGRAM, a unit test built with PATCH's defect, must fail, by what
# it expects itself, or what it touches: in the file that PATCH names as Oracle, or
# by the oracle of the test's world.
set -u
. defects/head.sh
patch=$1 status=$2 program=$3
id=$(head_of "$patch" Id)
oracle=$(head_of "$patch" Oracle)

if [ "$(cat "$status")" != applied ]; then
	cat "$status"
	exit 1
fi
if log=$("$program" 2>&1); then
	echo "$id: $oracle finds nothing"
	exit 1
fi
if printf '%s\n' "$log" | grep -e "^[^ ]*/$oracle[.]c:[0-9]*: " \
	-e "^SUMMARY: .*/$oracle[.]c:" -e "^$oracle: "; then
	echo "$id: found by $oracle"
	exit 0
fi
printf '%s\n' "$log" | tail -n 40
echo "$id: not found by $oracle"
exit 1
