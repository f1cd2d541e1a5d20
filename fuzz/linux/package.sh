#!/bin/sh
# package.sh FOLDER -- Debian's arm64 Linux as FOLDER/vmlinuz, fetched unless it is there.
#
# The package is downloaded by apt from the sources this machine has, with lists, cache and status
# of its own below FOLDER, so apt's database stays as it is and nothing is installed.  apt checks
# the archive's signature and the package's sum, and is told to refuse what has none.  Only the
# kernel is unpacked; FOLDER/version says which it is.
#
# Exit: 0 it is there; 4 it cannot be had: one line says why.
set -u
export LC_ALL=C

folder=$1
package=linux-image-arm64

fail() {
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

[ -s "$folder/vmlinuz" ] && exit 0
for program in apt-get apt-cache dpkg-deb; do
	command -v "$program" >/dev/null || fail "no $program: Linux can be fetched on Debian only"
done
mkdir -p "$folder/apt/state/lists/partial" "$folder/apt/cache/archives/partial" \
	2>/dev/null && : >"$folder/apt/status" || fail "cannot write to $folder"

echo "linux: fetching Debian's $package into $folder, once" >&2
private_apt apt-get update >"$folder/apt/said" 2>&1 ||
	fail "no list of Debian's arm64 packages: $(last_error)"
name=$(private_apt apt-cache depends "$package" 2>/dev/null |
	awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
[ -n "$name" ] || fail "Debian's archive has no $package; see $folder/apt/said"
(cd "$folder/apt" && private_apt apt-get download "$name") >"$folder/apt/said" 2>&1 ||
	fail "no $name: $(last_error)"

deb=$(find "$folder/apt" -maxdepth 1 -name "${name}_*.deb" | head -n 1)
if ! dpkg-deb --fsys-tarfile "$deb" 2>"$folder/apt/said" |
	tar -xO --wildcards './boot/vmlinuz-*' >"$folder/vmlinuz.part" 2>>"$folder/apt/said" ||
	[ ! -s "$folder/vmlinuz.part" ]; then
	fail "cannot unpack $name: $(tail -n 1 "$folder/apt/said")"
fi
basename "$deb" .deb >"$folder/version" || fail "no room in $folder"
rm -f "$deb"
mv "$folder/vmlinuz.part" "$folder/vmlinuz" || fail "no room in $folder"
