#!/bin/sh
# traces_test.sh BENCH TRACE... -- every trace plays without a failed request or a damaged byte,
# and a file that is no trace is refused by the number of its line.
set -u

bench=$1
shift
failed=0

for trace; do
	said=$("$bench" check "$trace") || failed=1
	case $said in
	*[1-9]*' 0') ;;
	*) failed=1 ;;
	esac
	[ "$failed" -eq 0 ] || echo "FAIL $trace: $said"
done

bad=${TEST_TMPDIR:-/tmp}/bad.rep
printf '2\n3\na 0 16\nf 1\n' >"$bad"
said=$("$bench" check "$bad" 2>&1)
status=$?
case "$status $said" in
"3 "*"line 4 "*) ;;
*)
	echo "FAIL a bad trace: $said"
	failed=1
	;;
esac
exit "$failed"
