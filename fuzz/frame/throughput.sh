#!/bin/sh
# usage: throughput.sh SCRIPT_TOOL SUBJECT BIN WORLD
# What a subject's target gets done in a second of processor time, in its libFuzzer program with both
# sanitizers and every oracle: operations of long scripts, with the usual walk after every 64th and
# with one after every operation, and short scripts, each from a fresh world to the pristine one.
# Scripts are generated from a fixed seed; all run in one world.  Quote it from a quiet machine.
set -eu
script=$PWD/$1 subject=$2 program=$PWD/$3 world=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
unset BUILD_WORKING_DIRECTORY # or the tools would take paths from there

# scripts NAME OPS COUNT WORLD: COUNT scripts of OPS operations.
scripts() {
	mkdir "$1"
	"$script" generate --subject "$subject" -o made --seed 1 --count $(($3 * 40)) --ops "$2" >made.log
	for file in made/*; do
		[ "$(find "$1" -type f | wc -l)" -lt "$3" ] || break
		"$script" disassemble "$file" | awk -v world="$4" -v ops="$2" '
			/^world/   { next }
			/^subject/ { print; print "world " world; next }
			           { print; if ($0 !~ /^#/ && NF) n++ }
			END        { exit n != ops }' >text && "$script" assemble text -o stored &&
			tail -c +33 stored >"$1/${file##*/}" # without the envelope: raw, as engines have them
	done
	rm -rf made
}

# seconds RUNS FOLDER: of processor time.
seconds() {
	( "$program" "-runs=$1" "$2"/* >run.log 2>&1 || { cat run.log >&2; exit 1; }; times ) |
		awk 'END { split($1, t, /[ms]/); print t[1] * 60 + t[2] }'
}

# rate WHAT RUNS FOLDER EACH
rate() {
	n=$(find "$3" -type f | wc -l)
	[ "$n" -gt 0 ] || { echo "throughput: no script of that length was generated" >&2; exit 1; }
	seconds "$2" "$3" | awk -v what="$1" -v done="$(($2 * n * $4))" '
		{ printf "%-44s %10d a second\n", what, done / $1 }'
}

scripts long 8192 4 "$world"
rate 'operations, scripts of 8,192' 40 long 8192
scripts walked 8192 4 "walk=always $world"
rate 'the same, all walked after each' 4 walked 8192
scripts short 32 100 "$world"
rate 'scripts of 32 operations' 400 short 1
