# shellcheck shell=sh
# head.sh -- to be sourced: reading the lines `Key: value` that stand before a patch's diff.

# head_of PATCH KEY: the value, or nothing.
head_of() {
	sed -n -e '/^--- /q' -e "s/^$2: *//p" "$1" | head -n 1
}

# head_check PATCH: complains of what is missing, and then fails.
head_check() {
	for key in Id Title Source How Symptom Subject Oracle Seen-by Budget; do
		[ -n "$(head_of "$1" "$key")" ] && continue
		echo "$(basename "$1"): has no line '$key: ...'" >&2
		return 1
	done
	[ "$(head_of "$1" Id).patch" = "$(basename "$1")" ] && return
	echo "$(basename "$1"): its Id is $(head_of "$1" Id)" >&2
	return 1
}
