#!/bin/sh
# objects.sh RULE FILE... -- what compiled files may and must hold.
#
#   stateless      no member has a writable section: no .data, no .bss, nothing thread-local.
#                  (.data.rel.ro holds constants that a linker completes; that is no state.)
#   libfuzzer, afl, afl_guards, sanitize
#                  every member carries that build's instrumentation
#   watched        every member calls at its loads and stores, and none reaches a memory primitive
#                  but by what sees it
#   clean          no symbol of a sanitizer, of coverage or of a fuzzing engine anywhere
#   untraced       no symbol of the trace of page tables
#
# FILEs are archives, objects or programs.  Exits 1 with one line for each that breaks the rule;
# a run that found nothing to look at breaks it too.
set -u

rule=$1
shift

# Prints "member section" for each writable section that is not empty.
writable_sections() {
	llvm-readelf -S -W "$@" | awk '
		BEGIN { member = "it" }
		/^File: / { member = $2 }
		{ sub(/^ *\[ *[0-9]+\] */, "") }
		$7 ~ /W/ && $1 !~ /^\.data\.rel\.ro/ && $5 !~ /^0+$/ {
			print member, "has state in " $1
		}
	'
}

# Prints members that lack one of the symbols in $1 (a list with spaces).
members_without() {
	symbols=$1
	shift
	llvm-nm "$@" | awk -v symbols="$symbols" '
		function finish(   i) {
			for (i = 1; seen && i <= n; i++)
				if (!(wanted[i] in has))
					print member, "lacks " wanted[i]
			split("", has)
			seen = 0
		}
		BEGIN { n = split(symbols, wanted, " "); member = "it" }
		/:$/ { finish(); member = $0; next }
		NF { has[$NF] = seen = 1 }
		END { finish() }
	'
}

instrumentation_symbols() {
	traces="__([atu]b?san|sancov|sanitizer|afl|llvm_(prf|cov))|LLVMFuzzer|sancov\.module"
	llvm-nm -A "$@" | grep -E "$traces"
}

# Prints members that have loads and stores, as all of mm/ do, that nobody sees.
members_unwatched() {
	llvm-nm "$@" | awk '
		function finish() {
			if (seen && !called)
				print member, "is not watched"
			seen = called = 0
		}
		BEGIN { member = "it" }
		/:$/ { finish(); member = $0; next }
		NF { seen = 1 }
		$NF ~ /^__sanitizer_cov_(load|store)[0-9]+$/ { called = 1 }
		$NF ~ /^(__asan_)?(mem(cpy|set|move|cmp)|bcmp)$/ { print member, "calls " $NF " unseen" }
		END { finish() }
	'
}

trace_symbols() { llvm-nm -A "$@" | grep -E " (tlb)?trace_(on|event|memory|begin)$"; }

symbols=$(llvm-nm "$@" | grep -c ' [A-Za-z] ')
if [ "$symbols" -eq 0 ]; then
	echo "nothing to look at in: $*"
	exit 1
fi

case $rule in
stateless) wrong=$(writable_sections "$@") ;;
sanitize) wrong=$(members_without '__asan_init' "$@") ;;
libfuzzer) wrong=$(members_without '__asan_init __sanitizer_cov_8bit_counters_init' "$@") ;;
afl) wrong=$(members_without '__asan_init __afl_area_ptr' "$@") ;;
afl_guards) wrong=$(members_without '__asan_init __sanitizer_cov_trace_pc_guard' "$@") ;;
watched) wrong=$(members_unwatched "$@") ;;
clean) wrong=$(instrumentation_symbols "$@") ;;
untraced) wrong=$(trace_symbols "$@") ;;
*)
	echo "usage: objects.sh stateless|sanitize|libfuzzer|afl|afl_guards|clean|untraced|watched FILE..." >&2
	exit 2
	;;
esac
[ -z "$wrong" ] && exit 0
printf '%s\n' "$wrong"
exit 1
