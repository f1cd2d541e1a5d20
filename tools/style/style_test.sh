#!/bin/sh
# style_test.sh STYLE_SH -- the style check on small trees that it must and must not like.
#
# Each case writes one file into an empty checkout and says what the check is to print about it;
# the empty string means: nothing.
set -u

style=$1
work=${TEST_TMPDIR:-$(mktemp -d)}/checkout
exceptions=$work/exceptions.txt
export STYLE_EXCEPTIONS="$exceptions"
failures=${work}_failures
: >"$failures"

new_tree() {
	rm -rf "$work"
	mkdir -p "$work"
	git -C "$work" init -q
	echo '# none' >"$exceptions"
}

# case PATH WANTED: standard input becomes PATH; the check's output must be WANTED.
case_is() {
	mkdir -p "$work/$(dirname "$1")"
	cat >"$work/$1"
	got=$("$style" --check "$work")
	status=$?
	wanted_status=1
	[ -z "$2" ] && wanted_status=0
	if [ "$got" != "$2" ] || [ "$status" -ne "$wanted_status" ]; then
		echo x >>"$failures"
		printf "FAIL %s\n  wanted: %s (%s)\n  got:    %s (%s)\n" "$1" "$2" \
			"$wanted_status" "$got" "$status"
	fi
	rm -f "$work/$1"
}

repeat() { awk -v n="$1" -v s="$2" 'BEGIN { while (n--) print s }'; }

# A file with one function whose body has $1 lines, so $1 + 3 from its name to its brace.
function_of() {
	printf '/* f.c -- one function. */\nstatic int work(int a,\n\t\tint b)\n{\n'
	repeat "$1" '	a += b; /* } */'
	printf '}\n'
}

decided=": what differs is decided by what is linked"

new_tree
case_is mm/good.c '' <<'END'
/* good.c -- nothing wrong. */
#include "good.h"
#include "machine/base.h"
const char *quoted = "/* not a comment, #if not a conditional";
int f(void)
{
	return '"'; /* don't stop at this quote */
}
END
case_is mm/good.h '' <<'END'
#ifndef MM_GOOD_H
#define MM_GOOD_H
#endif
END
case_is mm/x.c 'mm/x.c:1: a .c file opens with a comment that says what it is' <<'END'
int x;
END
case_is mm/x.c "mm/x.c:2: no conditionals in mm/$decided" <<'END'
/* x.c */
#ifdef HOST
#endif
END
case_is sched/x.h "sched/x.h:4: no conditionals in sched/$decided" <<'END'
#ifndef SCHED_X_H
#define SCHED_X_H
/* more than the guard */
#	if HOST
#	endif
#endif
END
case_is machine/x.c '' <<'END'
/* x.c -- a machine may. */
#if defined(__clang__)
#endif
END
case_is mm/x.c 'mm/x.c:2: mm/ may not include fuzz/frame/script.h' <<'END'
/* x.c */
#include "fuzz/frame/script.h"
END
case_is mm/x.c 'mm/x.c:2: mm/ may not include sched/thread.h' <<'END'
/* x.c */
#include "sched/thread.h"
END
case_is kernel/x.c '' <<'END'
/* x.c */
#include "mm/page.h"
#include "sched/thread.h"
END
case_is kernel/x.c 'kernel/x.c:2: kernel/ may not include stress/stress.h' <<'END'
/* x.c */
#include "stress/stress.h"
END
case_is user/x.c 'user/x.c:3: user/ may include nothing of kernel/ but abi.h' <<'END'
/* x.c */
#include "kernel/abi.h"
#include "kernel/panic.h"
END
case_is fuzz/x.c 'fuzz/x.c:2: space at the end of the line' <<END
/* x.c */
int x;$(printf '\t')
END
case_is notes.md 'notes.md:1: space at the end of the line' <<END
words$(printf ' ')
END
case_is mm/x.c 'mm/x.c:2: line of 101 columns (at most 100)' <<END
/* x.c */
$(printf '\t\t%085d' 0)
$(printf '\t\t%084d' 0)
END
case_is mm/x.c '' <<END
/* x.c */
$(printf '\t\t%083dé' 0)
END
case_is tools/x.sh "tools/x.sh:2: line of 121 columns (at most 120)" <<END
$(printf "%0120d" 0)
$(printf "%0121d" 0)
END
case_is mm/x.c 'mm/x.c:601: file of 601 lines (at most 600): split it by noun' <<END
/* x.c */
$(repeat 600 'int x;')
END
case_is tools/x.sh "tools/x.sh:0: empty file" </dev/null
function_of 66 | case_is mm/f.c ''
function_of 68 | case_is mm/f.c 'mm/f.c:2: work has 72 lines (at most 70)'

echo 'mm/f.c work 72 it is a table' >"$exceptions"
function_of 68 | case_is mm/f.c ''
function_of 69 | case_is mm/f.c 'mm/f.c:2: work has 73 lines (at most 72)'
function_of 20 | case_is mm/f.c "$exceptions:0: mm/f.c work needs no exception any more"
echo 'mm/f.c work 72' >"$exceptions"
function_of 20 | case_is mm/f.c "$exceptions:0: an exception needs: path function lines why"

# The figures, on two functions of 5 and 9 lines in a file of 16.
new_tree
mkdir "$work/mm"
{
	function_of 1
	function_of 5 | sed -e 1d -e 's/work/play/'
} >"$work/mm/f.c"
figures=$("$style" "$work" | grep '^mm')
case $figures in
'mm '*' 1 '*' 15 '*' 2 '*'5 /   9 /   9'*' 7 % '*) ;;
*)
	echo x >>"$failures"
	printf 'FAIL figures: %s\n' "$figures"
	;;
esac

[ -s "$failures" ] && exit 1
echo "style_test: all passed"
