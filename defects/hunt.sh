#!/bin/sh
# hunt.sh PROGRAM PATCH STATUS -- PROGRAM, the replay program with PATCH's defect in it, makes the
# oracle that PATCH names fire, within PATCH's budget of executions, from seed 1.
#
# A patch may name several oracles where each is right; then one of them must fire.
set -u
. defects/head.sh
program=$1 patch=$2 status=$3

if [ "$(cat "$status")" != applied ]; then
	cat "$status" >&2
	exit 1
fi
head_check "$patch" || exit 1
for oracle in $(head_of "$patch" Oracle | tr ',' ' '); do
	# Flags are words.
	# shellcheck disable=SC2046
	"$program" --hunt "$(head_of "$patch" Subject)" --seed 1 --runs "$(head_of "$patch" Budget)" \
		--expect "$oracle" $(head_of "$patch" Flags)
	code=$?
	[ $code -eq 1 ] || exit $code
done
echo "$(head_of "$patch" Id): nothing found it: $(head_of "$patch" Title)" >&2
exit 1
