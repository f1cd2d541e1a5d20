#!/bin/sh
# setup_test.sh TOOLS_BAZEL PACKAGES -- tools/bazel against a pretended machine.
#
# Every case runs a copy of tools/bazel with a PATH that holds nothing but stand-ins for dpkg-query,
# apt-get, id, uname and sudo, and the few real tools it uses.  The stand-ins keep the machine's
# state in files: $m/installed (package names), $m/apt (each apt-get call), $m/world (how apt-get
# behaves: ok, stale, offline).  A case compares exit status, what was printed and what was run.
set -u

m=${TEST_TMPDIR:-$(mktemp -d)}/machine
failed=0

stand_in() {
	cat >"$m/bin/$1"
	chmod +x "$m/bin/$1"
}

# new_machine TREE: a checkout in $m/TREE, everything installed, root, apt works.
new_machine() {
	rm -rf "$m"
	tree=$m/$1
	mkdir -p "$m/bin" "$tree/tools"
	cp "$bazel" "$tree/tools/bazel"
	cp "$packages" "$tree/tools/packages.txt"
	for tool in cat dirname env grep head mktemp rm sed; do
		ln -s "$(command -v $tool)" "$m/bin/$tool"
	done
	sed -n 's/^\([a-z][^ ]*\) .*/\1/p' "$packages" >"$m/installed"
	echo ok >"$m/world"
	: >"$m/apt"
	stand_in id <<-'END'
		#!/bin/sh
		echo 0
	END
	stand_in uname <<-'END'
		#!/bin/sh
		echo Linux x86_64
	END
	# As the real one: a line for each package it knows, removed ones included.
	stand_in dpkg-query <<-'END'
		#!/bin/sh
		shift 3
		for p; do
			grep -qx "$p" "$M/installed" && echo "installed $p"
			grep -qx "removed $p" "$M/installed" && echo "config-files $p"
		done
		exit 1
	END
	stand_in apt-get <<-'END'
		#!/bin/sh
		echo "$*" >>"$M/apt"
		world=$(cat "$M/world")
		case "$world $*" in
		offline*)
			echo "E: Failed to fetch: Temporary failure resolving 'deb.debian.org'"
			exit 100
			;;
		broken*) echo "E: dpkg was interrupted"; exit 100 ;;
		stale*update*) echo ok >"$M/world" ;;
		stale*) echo "E: Unable to locate package clang"; exit 100 ;;
		esac
		while [ "$1" != --no-install-recommends ]; do shift; [ $# -gt 0 ] || exit 0; done
		shift
		for p; do echo "$p" >>"$M/installed"; done
	END
	stand_in bazel-4 <<-'END'
		#!/bin/sh
		echo "bazel-4 ran: $*"
		exit 7
	END
}

not_installed() {
	for p; do
		grep -vx "$p" "$m/installed" >"$m/rest"
		mv "$m/rest" "$m/installed"
	done
}

# run ARG...: leaves the exit status in $status and what was said in $m/out and $m/err.
run() {
	(cd "$tree" && PATH=$m/bin M=$m TMPDIR=$m BAZEL_REAL=${real:-} ANVIL_SETUP=${setup:-} \
		"$tree/tools/bazel" "$@" >"$m/out" 2>"$m/err" </dev/null)
	status=$?
}

# expect WHAT TEST...: one claim about the last run.
expect() {
	what=$1
	shift
	"$@" && return
	failed=$((failed + 1))
	printf 'FAIL %s: %s (status %s)\n' "$case" "$what" "$status"
	sed 's/^/  err: /' "$m/err"
	sed 's/^/  apt: /' "$m/apt"
}

err_has() { grep -q -- "$1" "$m/err"; }
out_is() { [ "$(cat "$m/out")" = "$1" ]; }
apt_is() { [ "$(sed 's/.*Timeout=300 //' "$m/apt")" = "$1" ]; }
apt_never() { [ ! -s "$m/apt" ]; }
quiet() { [ ! -s "$m/err" ]; }
one_line_status_4() { [ "$status" -eq 4 ] && [ "$(wc -l <"$m/err")" -eq 1 ]; }
last_line_has() { tail -n 1 "$m/err" | grep -q -- "$1"; }
status_is() { [ "$status" -eq "$1" ]; }

bazel=$1 packages=$2

case='nothing missing'
new_machine tree
run test //...
expect 'becomes Bazel' out_is 'bazel-4 ran: test //...'
expect "gives Bazel's status" status_is 7
expect 'says nothing' quiet
expect 'leaves apt alone' apt_never

case='some missing'
new_machine tree
not_installed clang qemu-user
echo 'removed qemu-user' >>"$m/installed"
run build //mm
expect 'says what and why' err_has '^  clang  *compiles the kernel'
expect 'removed, configuration left, is missing' err_has '^  qemu-user  *runs AArch64'
expect 'keeps quiet about the others' [ "$(grep -c '^  ' "$m/err")" -eq 2 ]
expect 'installs only these' apt_is 'install --no-install-recommends clang qemu-user'
expect 'becomes Bazel' out_is 'bazel-4 ran: build //mm'
run build //mm
expect 'is quiet the second time' quiet

case='stale package lists'
new_machine tree
not_installed clang
echo stale >"$m/world"
run info
expect 'updates them once, then installs' apt_is "install --no-install-recommends clang
update
install --no-install-recommends clang"
expect 'becomes Bazel' out_is 'bazel-4 ran: info'

case='no network'
new_machine tree
not_installed clang
echo offline >"$m/world"
run info
expect 'exits 4' status_is 4
expect 'says so in its last line' last_line_has 'no network'
expect 'does not become Bazel' out_is ''

case='apt is broken'
new_machine tree
not_installed clang
echo broken >"$m/world"
run info
expect 'exits 4' status_is 4
expect "gives apt's own reason" last_line_has 'dpkg was interrupted'

case='not root, no sudo'
new_machine tree
not_installed clang
stand_in id <<-'END'
	#!/bin/sh
	echo 1000
END
run info
expect 'exits 4' status_is 4
expect 'says what root should run' last_line_has 'apt-get install --no-install-recommends clang '
expect 'does not try' apt_never

case='not root, sudo refuses'
stand_in sudo <<-'END'
	#!/bin/sh
	echo "sudo: a password is required" >&2
	exit 1
END
run info
expect 'exits 4' status_is 4
expect 'says so' last_line_has 'sudo refuses'
expect 'does not try' apt_never

case='not root, sudo works'
stand_in sudo <<-'END'
	#!/bin/sh
	[ "$1" = -n ] && shift
	echo "$*" >>"$M/sudo"
	[ "$1" = true ] || exec "$@"
END
run info
expect 'installs' apt_is 'install --no-install-recommends clang'
expect 'by sudo' grep -q 'apt-get.* install' "$m/sudo"
expect 'runs Bazel without it' [ "$(grep -c bazel-4 "$m/sudo")" -eq 0 ]

case='a path with spaces'
new_machine 'my tree'
run info
expect 'is one line, 4' one_line_status_4
expect 'names the path' err_has "spaces: .*/my tree'"

case='another processor'
new_machine tree
stand_in uname <<-'END'
	#!/bin/sh
	echo Linux aarch64
END
run info
expect 'is one line, 4' one_line_status_4

case='not Debian'
new_machine tree
rm "$m/bin/dpkg-query"
run info
expect 'is one line, 4' one_line_status_4
setup=off
run info
setup=
expect 'can be overruled' out_is 'bazel-4 ran: info'

case='print only'
new_machine tree
not_installed valgrind bazel-bootstrap
run --setup-print
expect 'exits 0' status_is 0
expect 'says what and why' err_has '^  valgrind  *counts'
expect 'installs nothing' apt_never
expect 'does not become Bazel' out_is ''
new_machine tree
run --setup-print
expect 'says so when nothing is missing' err_has 'nothing is missing'

case='called by a wrapper'
new_machine tree
not_installed bazel-bootstrap
real=$m/bin/bazel-7
stand_in bazel-7 <<-'END'
	#!/bin/sh
	echo "bazel-7 ran: $*, BAZEL_REAL=${BAZEL_REAL##*/}"
END
run run //x
real=
expect 'becomes the Bazel that it is given' out_is 'bazel-7 ran: run //x, BAZEL_REAL=bazel-7'
expect "does not want Debian's as well" apt_never

case='every package has a reason'
new_machine tree
expect 'in the list' [ "$(grep -cvE '^(#.*|[a-z0-9][a-z0-9+.-]+  +[^ ].*)$' "$packages")" -eq 0 ]

[ "$failed" -eq 0 ] && echo "setup_test: all passed"
exit "$((failed != 0))"
