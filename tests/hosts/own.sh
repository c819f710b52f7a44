# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# own: what kernel and module share, which build parts of Linux that Debian doesn't.
# shellcheck shell=bash

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${CARILLON_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/carillon}/kernels
own=${0##*/}

say() {
	echo "$own: $*" >&2
}

fail() {
	say "$*"
	exit 1
}

find=
if [ "${1-}" = --find ]; then
	find=1
	shift
fi
[ $# = 2 ] || fail "usage: tests/hosts/$own [--find] ARCH NAME"
arch=$1
name=$2

# Which prefix the tools have that compile for the architecture, and what the kernel calls it.
case $arch in
x86) build_arch=x86 cross=x86_64-linux-gnu- ;;
arm64) build_arch=arm64 cross=aarch64-linux-gnu- ;;
powerpc) build_arch=powerpc cross=powerpc64le-linux-gnu- ;;
*) fail "don't know how to build for $arch" ;;
esac

# found FILE: print it and end if it is there; if it isn't, and was only to be found, fail.
found() {
	if [ -e "$1" ]; then
		echo "$1"
		exit 0
	fi
	[ -z "$find" ] || fail "$name isn't built; build it with: tests/hosts/$own $arch $name"
}

# begin TOOL...: a folder of our own, $work, once these tools are found to be there.
begin() {
	local tool
	for tool in "${cross}gcc" make xz flock "$@"; do
		command -v "$tool" >/dev/null || fail "$tool is missing; install what is needed with: tools/install-deps kernel"
	done
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock -n 9 || fail "another build is under way"
	work=$cache/.build
	trap 'rm -rf "$work"' EXIT
	rm -rf "$work"
	mkdir "$work"
}

# unpack SET DIR [PATH]: Linux's source, or this part of it.
unpack() {
	local tar
	tar=$(echo "$("$top/tools/fetch" "$1")"/usr/src/linux-source-*.tar.xz)
	say "unpacking $(basename "$tar")"
	mkdir -p "$2"
	tar -xJf "$tar" -C "$2" --strip-components=1 "$(basename "$tar" .tar.xz)${3:+/$3}"
}
