#!/bin/sh
# refresh.sh [ID...] -- after the tree has changed: every patch (or those named) made anew against
# it, where that can be done by machine.
#
#	tools/bazel run //defects:refresh
#
# A patch that applies exactly is written again only if its lines moved.  One that applies when
# patch(1) may guess (up to two lines of context differ) is written again, and to be read again: it
# may have landed in the wrong place.  One that does not apply is listed with the hunks that failed.
# What was rewritten is then to be hunted again.  Exit status 1: some patch needs a hand.
set -u
root=${BUILD_WORKSPACE_DIRECTORY:?start it by: tools/bazel run //defects:refresh}
cd "$root" || exit 4
. defects/head.sh
work=$(mktemp -d) || exit 4
trap 'rm -rf "$work"' EXIT
again='' lost=''

# Applies patch $1 to clean copies of the files it names, in $work/b; the clean ones are in $work/a.
apply() {
	rm -rf "$work/a" "$work/b"
	files=$(sed -n 's/^+++ b\/\([^[:space:]]*\).*/\1/p' "$1")
	for file in $files; do
		for side in a b; do
			mkdir -p "$work/$side/$(dirname "$file")"
			[ ! -e "$file" ] || cp "$file" "$work/$side/$file"
		done
	done
	LC_ALL=C patch --batch --forward --no-backup-if-mismatch --reject-file=- "--fuzz=$2" -p1 \
		-d "$work/b" <"$1" >"$work/log" 2>&1
}

# The patch as it would be made today: its head, and the differences of the copies.
make() {
	sed '/^--- /,$d' "$1"
	for file in $files; do
		(cd "$work" && diff -U2 --label "a/$file" --label "b/$file" "a/$file" "b/$file")
	done
}

for patch in defects/*.patch; do
	id=$(basename "$patch" .patch)
	case " $* " in
	'  ' | *" $id "*) ;;
	*) continue ;;
	esac
	exact=exactly
	if ! apply "$patch" 0; then
		exact='with fuzz: read it again'
		if ! apply "$patch" 2; then
			lost="$lost $id"
			echo "$id: does not apply: $(head_of "$patch" Title)"
			sed -n 's/^\(Hunk #.*FAILED.*\)/	\1/p; s/^\(can.t find file.*\)/	\1/p' "$work/log"
			continue
		fi
	fi
	make "$patch" >"$work/new"
	if cmp -s "$work/new" "$patch"; then continue; fi
	cp "$work/new" "$patch" || exit 4
	again="$again //defects:$id"
	echo "$id: written again, applied $exact"
done

# README.md: the tables anew.
sh defects/tables.sh fuzz/frame/oracle.h corpus/canary*/*/* defects/*.patch >"$work/tables"
sed -n "1,/^<!-- tables begin/p" defects/README.md >"$work/readme"
cat "$work/tables" >>"$work/readme"
sed -n "/^<!-- tables end/,\$p" defects/README.md >>"$work/readme"
if ! cmp -s "$work/readme" defects/README.md; then
	cp "$work/readme" defects/README.md || exit 4
	echo "README.md: its tables are new"
fi

[ -z "$again" ] || echo "now hunt them: tools/bazel test$again"
if [ -n "$lost" ]; then
	echo "to be made by hand:$lost"
	exit 1
fi
[ -n "$again" ] || echo 'every patch applies as it stands'
