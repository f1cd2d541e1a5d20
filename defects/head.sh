# shellcheck shell=sh
# head.sh -- to be sourced: reading the lines `Key: value` that stand before a patch's diff,
# and the arguments of what goes through many of them.

# head_of PATCH KEY: the value, or nothing.
head_of() {
	sed -n -e '/^--- /q' -e "/^$2: */{s///p;q;}" "$1"
}

# read_head ID: sets $patch, $subject, $budget, $oracle (the first of them) and $flags.
# shellcheck disable=SC2034 # for who sources this
read_head() {
	patch=defects/$1.patch
	subject=$(head_of "$patch" Subject) budget=$(head_of "$patch" Budget)
	oracle=$(head_of "$patch" Oracle | sed 's/[, ].*//') flags=$(head_of "$patch" Flags)
}

# is_wanted ID: among $wanted (see arguments), or nothing is in particular.
is_wanted() {
	case " $wanted " in '  ' | *" $1 "*) ;; *) return 1 ;; esac
}

# heads PATCH...: "ID|ORACLE|SUBJECT|BUDGET|FLAGS|SEEN-BY|TITLE" of each.
heads() {
	awk '
	function row() {
		if (id != "")
			print id "|" v["Oracle"] "|" v["Subject"] "|" v["Budget"] "|" \
				v["Flags"] "|" v["Seen-by"] "|" v["Title"]
	}
	FNR == 1 {
		row()
		split("", v)
		inside = 1
		id = FILENAME
		sub(".*/", "", id)
		sub("[.]patch$", "", id)
	}
	/^--- / { inside = 0 }
	inside && match($0, /^[A-Z][a-z-]*: */) {
		key = substr($0, 1, index($0, ":") - 1)
		v[key] = substr($0, RLENGTH + 1)
	}
	END { row() }
	' "$@"
}

# head_check PATCH...: complains of what is missing, and then fails.
head_check() {
	awk '
	function check(  k) {
		for (k in need) if (!(k in v)) {
			print name ": has no line \"" k ": ...\"" >"/dev/stderr"
			bad = 1
		}
		if (("Id" in v) && v["Id"] ".patch" != name) {
			print name ": its Id is " v["Id"] >"/dev/stderr"
			bad = 1
		}
	}
	BEGIN {
		n = split("Id Title Source How Symptom Subject Oracle Seen-by Budget", list, " ")
		for (i = 1; i <= n; i++) need[list[i]]
	}
	FNR == 1 {
		if (NR > 1) check()
		split("", v)
		inside = 1
		name = FILENAME
		sub(".*/", "", name)
	}
	/^--- / { inside = 0 }
	inside && match($0, /^[A-Z][a-z-]*: *./) { v[substr($0, 1, index($0, ":") - 1)] = \
		substr($0, RLENGTH) }
	END {
		check()
		exit bad
	}
	' "$@"
}

# arguments TARGET SEEDS [--seeds N] [PROGRAM|ID]...: sets $seeds (SEEDS if none are given), $programs
# and $wanted, the ids.  Ends with status 2 where they make no sense.
arguments() {
	target=$1 seeds=$2 programs='' wanted=''
	shift 2
	while [ $# -gt 0 ]; do
		case $1 in
		--seeds)
			seeds=${2:-}
			[ $# -eq 1 ] || shift
			;;
		*_bin | *_found) programs="$programs $1" ;;
		-*)
			echo "usage: //defects:$target -- [--seeds N] [ID...]" >&2
			exit 2
			;;
		*) wanted="$wanted $1" ;;
		esac
		shift
	done
	case $seeds in
	'' | *[!0-9]* | 0)
		echo "$target: --seeds wants a number, not '$seeds'" >&2
		exit 2
		;;
	esac
}
