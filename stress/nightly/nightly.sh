#!/bin/sh
# nightly.sh DRIVER TABLE... -- [FLAG...]
#
# What //stress:nightly runs: says what the night is of (commit, machine, tools), then becomes the
# driver, which has the flags (-- --help lists them) and the exit statuses (main.c).
set -u
driver=$1
shift

# Tables, and where the user's flags begin.
tables=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	tables="$tables --table $1"
	shift
done
[ $# -eq 0 ] || shift

stand=${BUILD_WORKING_DIRECTORY:-$PWD}
export NIGHT_STANDS="$stand" # Debian's Linux may be here; see play.sh
tree=${BUILD_WORKSPACE_DIRECTORY:-$stand}
commit=$(git -C "$tree" rev-parse HEAD 2>/dev/null) || commit=unknown
changed=no
[ -z "$(git -C "$tree" status --porcelain --untracked-files=no 2>/dev/null)" ] || changed=yes

version() { "$@" 2>/dev/null | head -n 1; }

environment="commit: $commit
changed since: $changed
machine: $(uname -srm), $(nproc) CPUs, $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
memory: $(sed -n 's/^MemTotal: *//p' /proc/meminfo)
qemu: $(version qemu-system-aarch64 --version)
compiler: $(version clang --version)
linux: $(sed 's/^/Debian, /' "$stand/anvil-out/linux/version" 2>/dev/null || echo 'not here, so ours alone')
flags: $*
"

# What the user names is from where the user stands; we stand among the programs.
out=$stand/anvil-out/nightly
for argument; do
	shift
	case ${previous:-} in
	--out)
		case $argument in /*) out=$argument ;; *) out=$stand/$argument ;; esac
		previous=
		continue
		;;
	esac
	previous=$argument
	[ "$argument" = --out ] || set -- "$@" "$argument"
done
[ "${previous:-}" != --out ] || set -- "$@" --out

# Paths of the build have no blanks.
# shellcheck disable=SC2086
exec "$driver" --pin $tables --out "$out" --commit "$commit$([ $changed = no ] || echo +)" \
	--environment "$environment" "$@"
