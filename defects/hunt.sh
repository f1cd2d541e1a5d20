#!/bin/sh
# hunt.sh PATCH STATUS [EMULATOR] PROGRAM -- PROGRAM, the replay program with PATCH's defect, makes the
# oracle that PATCH names fire, within PATCH's budget of executions, from seed 1.
#
# A patch may name several oracles where each is right; then one of them must fire.  Where it names a
# script, that must make the first of them fire too.
set -u
. defects/head.sh
patch=$1 status=$2
shift 2

if [ "$(cat "$status")" != applied ]; then
	cat "$status" >&2
	exit 1
fi
head_check "$patch" || exit 1
case $(head_of "$patch" Seen-by) in
*aarch64*) ;;
*)
	[ $# -eq 1 ] || {
		echo "$patch says that AArch64 does not see it; BUILD should say host_only" >&2
		exit 1
	}
	;;
esac
script=$(head_of "$patch" Script)
if [ -n "$script" ]; then
	oracle=$(head_of "$patch" Oracle | sed 's/,.*//')
	sed "/^subject/a !expect $oracle" "$script" >"$TEST_TMPDIR/script" &&
		"$@" "$TEST_TMPDIR/script" || exit 1
fi
for oracle in $(head_of "$patch" Oracle | tr ',' ' '); do
	# Flags are words.
	# shellcheck disable=SC2046
	"$@" --hunt "$(head_of "$patch" Subject)" --seed 1 --runs "$(head_of "$patch" Budget)" \
		--expect "$oracle" $(head_of "$patch" Flags)
	code=$?
	[ $code -eq 1 ] || exit $code
done
echo "$(head_of "$patch" Id): nothing found it: $(head_of "$patch" Title)" >&2
exit 1
