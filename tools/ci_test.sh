#!/bin/sh
# ci_test.sh CI_RUN -- .ci/run with a stand-in for tools/bazel: what it calls, counts and returns.
set -u

tree=${TEST_TMPDIR:-$(mktemp -d)}/tree
mkdir -p "$tree/.ci" "$tree/tools"
cp "$1" "$tree/.ci/run"
failed=0

# bazel_says STATUS: standard input is what the stand-in prints for `test`; it ends with STATUS.
bazel_says() {
	cat >"$tree/summary"
	: >"$tree/calls"
	cat >"$tree/tools/bazel" <<-END
		#!/bin/sh
		echo "\$*" >>"$tree/calls"
		[ "\$1" = test ] || exit 0
		cat "$tree/summary" >&2
		exit $1
	END
	chmod +x "$tree/tools/bazel"
}

# run_says WHAT STATUS LAST_LINE
run_says() {
	last=$(bash "$tree/.ci/run" </dev/null 2>&1 | tail -n 1)
	bash "$tree/.ci/run" </dev/null >/dev/null 2>&1
	status=$?
	calls=$(sort -u "$tree/calls" | tr '\n' ';')
	[ "$last" = "$3" ] && [ "$status" -eq "$2" ] &&
		[ "$calls" = 'shutdown;test --config=ci //...;' ] && return
	failed=1
	printf 'FAIL %s: "%s", status %s, calls "%s"\n' "$1" "$last" "$status" "$calls"
}

bazel_says 0 <<'END'
INFO: Analyzed 70 targets (29 packages loaded, 557 targets configured).
//fuzz:run_test                                                (cached) PASSED in 0.1s
//machine:format_test                                                   PASSED in 0.0s
//tools:failed_test                                                     PASSED in 0.0s
Executed 1 out of 3 tests: 3 tests pass.
END
run_says 'all pass' 0 '3 passed, 0 failed'

bazel_says 3 <<'END'
//a:a_test                                                              PASSED in 0.1s
//a:b_test                                                              FAILED in 0.0s
  /somewhere/test.log
//a:c_test                                                             TIMEOUT in 60.0s
//a:d_test                                                            NO STATUS
//a:e_test                                                     FAILED TO BUILD
END
run_says 'some fail' 3 '1 passed, 4 failed'

bazel_says 1 <<'END'
ERROR: no such target '//mm:mm'
END
run_says 'no build' 1 '0 passed, 1 failed'

[ "$failed" -eq 0 ] && echo 'ci_test: all passed'
exit "$failed"
