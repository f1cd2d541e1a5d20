# shellcheck shell=sh disable=SC2154
# command.sh -- to be sourced by what `tools/bazel run` starts, in Bazel's folder of what it needs.
# $command is who speaks; usage WORD... is the command's own.

# fail STATUS WORD...: says so and ends.
fail() {
	status=$1
	shift
	echo "$command: $*" >&2
	exit "$status"
}

# absolute PATH: the same from any folder.
absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s/%s\n' "$PWD" "$1" ;; esac; }

# number FLAG VALUE LEAST MOST: the flag's value is a number of that range, of nine digits at most.
number() {
	case $2 in '' | *[!0-9]* | ??????????*) usage "$1 wants a number, not '$2'" ;; esac
	if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then usage "$1 is from $3 to $4, not $2"; fi
}
