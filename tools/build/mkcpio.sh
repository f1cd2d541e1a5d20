#!/bin/sh
# mkcpio.sh OUT LIST -- an archive of the form newc, as kernels read it for their first files.
#
# LIST has a line for each entry:
#
#	dir MODE PATH           file MODE PATH SOURCE           link PATH TARGET
#
# without a "/" before PATH, and no spaces in any; later lines about a path win.  Folders above are
# added.  The bytes depend on nothing else: entries are sorted, numbered in that order, root's, of
# time 0, and each folder has two links, whatever the file system of the moment would say.
#
# Exit: 0 written; 2 usage; 4 a file cannot be read or written.
set -u
export LC_ALL=C

fail() { # STATUS WORD...
	status=$1
	shift
	echo "mkcpio: $*" >&2
	exit "$status"
}

[ $# -eq 2 ] || fail 2 "usage: mkcpio.sh OUT LIST"
out=$1 list=$2

number=0
pad() { # BYTES: zeros up to a multiple of four
	[ $(($1 % 4)) -eq 0 ] || head -c $((4 - $1 % 4)) /dev/zero
}

head_of() { # MODE-OCTAL LINKS BYTES PATH
	number=$((number + 1))
	printf '070701%08X%08X00000000000000000000000%d00000000%08X' "$number" "0$1" "$2" "$3"
	printf '00000000000000000000000000000000%08X00000000%s\0' $((${#4} + 1)) "$4"
	pad $((110 + ${#4} + 1))
}

entry() { # PATH KIND ARGUMENT...
	path=$1 kind=$2
	shift 2
	case $kind in
	dir) head_of $((40000 + $1)) 2 0 "$path" ;;
	link)
		head_of 120777 1 ${#1} "$path"
		printf '%s' "$1"
		pad ${#1}
		;;
	file)
		bytes=$(wc -c <"$2") || return 1
		head_of $((100000 + $1)) 1 "$bytes" "$path"
		cat "$2" || return 1
		pad "$bytes"
		;;
	esac
}

# PATH KIND ARGUMENT..., each path once, its folders before it.
sorted() {
	awk '
		function above(path) {
			while (sub(/\/[^\/]*$/, "", path))
				if (!(path in line)) line[path] = path " dir 755"
		}
		NF == 0 { next }
		$1 == "dir" && NF == 3 { line[$3] = $3 " dir " $2; above($3); next }
		$1 == "file" && NF == 4 { line[$3] = $3 " file " $2 " " $4; above($3); next }
		$1 == "link" && NF == 3 { line[$2] = $2 " link " $3; above($2); next }
		{ print "mkcpio: no entry: " $0 >"/dev/stderr"; bad = 1 }
		END { for (path in line) print line[path]; exit bad }' "$list"
}

lines=$(sorted) || exit 2
{
	printf '%s\n' "$lines" | sort | {
		while read -r words; do
			# shellcheck disable=SC2086 # words, none of which has a space
			entry $words || exit 4
		done
		number=-1
		head_of 0 1 0 'TRAILER!!!'
	}
} >"$out" || fail 4 "cannot write $out, or read what is to be in it"
