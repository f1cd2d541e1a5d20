#!/bin/sh
# seeing.sh PROGRAM WATCHED_PROGRAM ARGUMENT...
#
# Runs PROGRAM; where it says (status 1) that no oracle fires, or another one than expected, the one
# that sees loads and stores, as only that one can see a race.
set -u
plain=$1 watched=$2
shift 2
"$plain" "$@"
status=$?
[ $status -eq 1 ] || exit $status
echo "again, with loads and stores seen:" >&2
exec "$watched" "$@"
