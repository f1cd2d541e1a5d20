#!/bin/sh
# usage: smp_throughput.sh REPLAY_RACE SCRIPT_TOOL SUBJECT
# What a subject whose operations run side by side gets done in a second of processor time, with
# both sanitizers, points at every load and store and the race detector: scripts of 64 operations on 4
# CPUs, and points, all together and by strategy.  Scripts are generated from a fixed seed.  Quote it
# from a quiet machine.
set -eu
replay=$PWD/$1 script=$PWD/$2 subject=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
unset BUILD_WORKING_DIRECTORY # or the tools would take paths from there

"$script" generate --subject "$subject" -o made --seed 1 --count 600 --ops 64 >made.log
mkdir all listed robin priority
for file in made/*; do
	"$script" disassemble "$file" >text
	[ "$(grep -vc '^subject\|^world\|^#' text)" -ge 48 ] || continue
	strategy=$(sed -n 's/^world.* strategy=\([a-z]*\).*/\1/p' text)
	sed 's/^\(world.*\) cpus=[0-9]*/\1/; s/^world/world cpus=4/' text >"${strategy:-listed}/${file##*/}"
	cp "${strategy:-listed}/${file##*/}" all
done

# rate FOLDER: each script 20 times.
rate() {
	files=$(find "$1" -type f | wc -l)
	( "$replay" --repeat 20 "$1" >/dev/null 2>said || { cat said >&2; exit 1; }; times ) |
		awk 'END { split($1, t, /[ms]/); print t[1] * 60 + t[2] }' >seconds
	awk -v what="$1" -v runs="$((files * 20))" -v seconds="$(cat seconds)" '
		/^replay: .* points$/ { points = $2 }
		END { printf "%-10s %9d scripts, %6.1f million points a second\n", what, runs / seconds,
			points / seconds / 1e6 }' said
}

for folder in all listed robin priority; do rate "$folder"; done
