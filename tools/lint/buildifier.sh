#!/bin/sh
# buildifier.sh [--check] -- formats and checks BUILD, WORKSPACE and .bzl files.
#
# Debian has no buildifier; it is fetched once from npm (@bazel/buildifier) into the user's cache.
# --check changes nothing and exits 1 when something is to be changed.
set -u

version=8.2.1
cd -- "${BUILD_WORKSPACE_DIRECTORY:-.}" || exit 2
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/anvil/buildifier-$version
buildifier=$cache/node_modules/.bin/buildifier

if [ ! -x "$buildifier" ]; then
	command -v npm >/dev/null 2>&1 || {
		echo "buildifier: comes from npm, which is not installed (Debian package npm)" >&2
		exit 4
	}
	if ! npm install --silent --no-fund --no-audit --prefix "$cache" \
		"@bazel/buildifier@$version" >/dev/null 2>&1; then
		echo "buildifier: npm could not fetch @bazel/buildifier@$version" >&2
		exit 4
	fi
fi

mode=fix
[ "${1:-}" = --check ] && mode=check
# Files by name: with -r it would follow Bazel's links into its output.
git ls-files -z --cached --others --exclude-standard -- \
	BUILD "*/BUILD" "*.bzl" WORKSPACE "*/WORKSPACE" MODULE.bazel |
	xargs -0 "$buildifier" --mode="$mode" --lint=warn || exit 1
