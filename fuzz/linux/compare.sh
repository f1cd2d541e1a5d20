#!/bin/sh
# compare.sh PLAYER BATCH BOOT_SH PACKAGE_SH [FLAG...] -- what //fuzz/linux:compare runs.
#
# Generated scripts (or files) of subject space are played by Debian's Linux 6.1, booted in QEMU,
# and its answers are compared with the model's; a boot plays as many scripts as fit into its
# initramfs.  Of each difference it shows the script as text, the operation, both answers and what
# Linux has mapped there.
#
# Exit: 0 no difference; 1 differences; 2 usage; 3 a file is no script of subject space; 4 a package,
# the network or room is missing; 5 Linux did not come to an end.
set -u
export LC_ALL=C
. tools/build/command.sh

usage() {
	[ $# -eq 0 ] || echo "compare: $*" >&2
	cat >&2 <<'END'
usage: tools/bazel run //fuzz/linux:compare -- [FLAG...]
  --seed S         generated scripts of this seed (1)
  --scripts N      so many of them (2000)
  --ops M          at most so many operations each (256)
  --file FILE...   these scripts instead, in any form
  --out FOLDER     where Linux is kept for next time, and what it said (anvil-out/linux)
  --timeout S      seconds for one boot (3600)
END
	exit 2
}

is_number() { case $1 in '' | *[!0-9]*) usage "expected a number, not $1" ;; esac; }

player=$(absolute "$1") batch=$(absolute "$2") boot=$(absolute "$3") package=$(absolute "$4")
shift 4
cd "${BUILD_WORKING_DIRECTORY:-.}" || exit 4

seed=1 scripts=2000 ops=256 out=anvil-out/linux timeout=3600 files='' per_boot=20000 shown_most=20
while [ $# -gt 0 ]; do
	case $1 in
	--seed | --scripts | --ops | --timeout)
		[ $# -ge 2 ] || usage "$1 needs a number"
		is_number "$2"
		eval "${1#--}=\$2"
		shift 2
		;;
	--out)
		[ $# -ge 2 ] || usage "--out needs a folder"
		out=$2
		shift 2
		;;
	--file)
		shift
		[ $# -ge 1 ] || usage "--file needs files"
		for path; do case $path in -*) usage "$path after --file: files come last" ;; esac; done
		files=1
		break
		;;
	*) usage "unknown flag $1" ;;
	esac
done
# From here on "$@" are the files.

out=$(absolute "$out")
mkdir -p "$out" 2>/dev/null || { echo "compare: cannot write to $out" >&2 && exit 4; }
if [ -n "$files" ]; then # a wrong name is told before anything is fetched
	"$batch" --out "$out/batch" "$@" || exit $?
fi
"$package" "$out" || exit $?
said=$out/said
# Totals over all boots: scripts, operations, answers, differences.
played=0 operations=0 answers=0 differ=0

text() { # NUMBER [FILE...]
	number=$1
	shift
	if [ -n "$files" ]; then
		"$batch" --show "$number" "$@"
	else
		"$batch" --show "$number" --seed "$seed" --ops "$ops" --first "$number" --scripts 1
	fi
}

tell_differences() { # [FILE...]
	grep '^differs ' "$said" >"$out/differs"
	while read -r _ number op words; do
		shown=$((shown + 1))
		[ "$shown" -le "$shown_most" ] || break
		echo "--- script $number, operation $op: Linux $words"
		echo "    what Linux has mapped in that space:"
		awk -v n="$number" '/^differs/ { here = $2 == n; next }
			here && /^mapped/ { print "    " $0 }' "$said"
		text "$number" "$@"
	done <"$out/differs"
}

one_boot() { # BATCH-ARGUMENT...
	"$batch" --out "$out/batch" "$@" || exit $?
	"$boot" "$out/vmlinuz" "$player" "$out/batch" "$said" "$timeout" || exit $?
	# "played N scripts, O operations, M answers, D differ"
	totals=$(sed -n 's/^played //p' "$said" | tr -dc '0-9 ')
	# shellcheck disable=SC2086
	add_totals $totals
}

add_totals() {
	played=$((played + $1)) operations=$((operations + $2))
	answers=$((answers + $3)) differ=$((differ + $4))
}

shown=0
if [ -n "$files" ]; then
	one_boot "$@"
	tell_differences "$@"
else
	first=0
	while [ "$first" -lt "$scripts" ]; do
		now=$((scripts - first))
		[ "$now" -le "$per_boot" ] || now=$per_boot
		one_boot --seed "$seed" --first "$first" --scripts "$now" --ops "$ops"
		tell_differences
		first=$((first + now))
	done
fi
rm -f "$out/batch" "$out/differs"
[ "$shown" -le "$shown_most" ] || echo "(no more than $shown_most are shown)"
echo "$(cat "$out/version" 2>/dev/null): $operations operations"
echo "$played scripts, $answers answers, $differ differ"
[ "$differ" -eq 0 ]
