# shellcheck shell=sh disable=SC2034
# boots.sh -- to be sourced by tests with the arguments QEMU.SH IMAGE: boots, and what is demanded
# of them.  Each leaves its log and exit status in $log and $status; $failed is the whole test's.
qemu=$1
image=$2
failed=0

# boot OPTION...: of qemu.sh, the image among them.
boot() {
	log=$("$qemu" "$@" 2>&1)
	status=$?
}

# verdict NAME WRONG: of the last boot; WRONG says what is, if anything.
verdict() {
	if [ -n "$2" ]; then
		printf '%s\nFAIL %s: %s\n' "$log" "$1" "$2"
		failed=1
	else
		echo "ok $1"
	fi
}

# meant: what the log of the last boot has of failures that nobody announced.
meant() {
	printf '%s\n' "$log" | sh tools/build/unexpected.sh
}

# ends_well NAME: the last boot ended with status 0.
ends_well() {
	wrong=''
	[ "$status" -eq 0 ] || wrong="exit status $status"
	verdict "$1" "$wrong$(meant)"
}

# boots_well NAME OPTION...: a boot that ends with status 0.
boots_well() {
	name=$1
	shift
	boot --timeout 200 "$@"
	ends_well "$name"
}

# says NAME STATUS TEXT...: the last boot ended with that status and its log has every TEXT, a
# pattern of grep; one that starts with ! is not there.
says() {
	name=$1 wrong=''
	[ "$status" -eq "$2" ] || wrong="exit status $status, not $2"
	shift 2
	for text in "$@"; do
		case $text in
		!*)
			! printf '%s\n' "$log" | grep -e "${text#!}" || wrong="$wrong; ${text#!}"
			continue
			;;
		esac
		printf '%s\n' "$log" | grep -q -- "$text" || wrong="$wrong; no \"$text\""
	done
	verdict "$name" "$wrong$(meant)"
}
