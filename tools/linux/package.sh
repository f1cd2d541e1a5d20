#!/bin/sh
# package.sh FOLDER [linux|busybox] -- a program of Debian's for arm64, fetched unless it is there:
# its Linux as FOLDER/vmlinuz (which is meant when nothing is said), busybox-static as
# FOLDER/busybox.
#
# The package is downloaded by apt from the sources this machine has, with lists, cache and status
# of its own below FOLDER, so apt's database stays as it is and nothing is installed.  apt checks
# the archive's signature and the package's sum, and is told to refuse what has none.  Only the
# one file is unpacked; FOLDER/version, or FOLDER/busybox.version, says which package it is of.
#
# Exit: 0 it is there; 2 usage; 4 it cannot be had: one line says why.
set -u
export LC_ALL=C

folder=$1

fail() { # WORD...
	echo "linux: $*" >&2
	exit 4
}

private_apt() { # PROGRAM ARGUMENT...
	program=$1
	shift
	"$program" -o Dir::State="$folder/apt/state" -o Dir::State::status="$folder/apt/status" \
		-o Dir::Cache="$folder/apt/cache" -o APT::Architecture=arm64 \
		-o APT::Architectures=arm64 -o Acquire::Languages=none \
		-o Acquire::AllowInsecureRepositories=false \
		-o APT::Get::AllowUnauthenticated=false -o APT::Update::Error-Mode=any "$@"
}

last_error() { sed -n 's/^E: //p' "$folder/apt/said" | head -n 1; }

newest_lists() { # PACKAGE
	for program in apt-get apt-cache dpkg-deb; do
		command -v "$program" >/dev/null ||
			fail "no $program: $1 can be fetched on Debian only"
	done
	mkdir -p "$folder/apt/state/lists/partial" "$folder/apt/cache/archives/partial" \
		2>/dev/null && : >"$folder/apt/status" || fail "cannot write to $folder"
	echo "linux: fetching Debian's $1 into $folder, once" >&2
	private_apt apt-get update >"$folder/apt/said" 2>&1 ||
		fail "no list of Debian's arm64 packages: $(last_error)"
}

# Of the package NAME, the one file that PATTERN means, as FILE; VERSION names the package.
unpack() { # NAME PATTERN FILE VERSION
	(cd "$folder/apt" && private_apt apt-get download "$1") >"$folder/apt/said" 2>&1 ||
		fail "no $1: $(last_error)"
	deb=$(find "$folder/apt" -maxdepth 1 -name "$1_*.deb" | head -n 1)
	if ! dpkg-deb --fsys-tarfile "$deb" 2>"$folder/apt/said" |
		tar -xO --wildcards "$2" >"$3.part" 2>>"$folder/apt/said" ||
		[ ! -s "$3.part" ]; then
		fail "cannot unpack $1: $(tail -n 1 "$folder/apt/said")"
	fi
	basename "$deb" .deb >"$4" || fail "no room in $folder"
	rm -f "$deb"
	mv "$3.part" "$3" || fail "no room in $folder"
}

case ${2:-linux} in
linux)
	[ -s "$folder/vmlinuz" ] && exit 0
	package=linux-image-arm64
	newest_lists "$package"
	# The package that has the newest Linux depends on the one that is it.
	name=$(private_apt apt-cache depends "$package" 2>/dev/null |
		awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
	[ -n "$name" ] || fail "Debian's archive has no $package; see $folder/apt/said"
	unpack "$name" './boot/vmlinuz-*' "$folder/vmlinuz" "$folder/version"
	;;
busybox)
	[ -s "$folder/busybox" ] && exit 0
	newest_lists busybox-static
	unpack busybox-static './bin/busybox' "$folder/busybox" "$folder/busybox.version"
	chmod +x "$folder/busybox" || fail "no room in $folder"
	;;
*)
	echo "usage: package.sh FOLDER [linux|busybox]" >&2
	exit 2
	;;
esac
