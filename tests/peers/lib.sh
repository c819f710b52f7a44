# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# lib: what the scripts with real peers share: a folder to work in, peers that end with the script, a count.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# listens.
# shellcheck source=tests/hosts/backends.sh
. "$top/tests/hosts/backends.sh"
out=$(mktemp -d)
export CARILLON_RUN=$out/run
started=()
passed=0
failed=0

# shellcheck disable=SC2317
leave() {
	kill "${started[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$out"
}
trap leave EXIT

# skip_all NAME WHY
skip_all() {
	echo "skip $1: $2"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

# need_kvm NAME: all of it is skipped where there is no KVM, which bare-metal guests want.
need_kvm() {
	[ -w /dev/kvm ] || skip_all "$1" "no usable /dev/kvm on this machine"
}

# need_programs NAME PROGRAM...
need_programs() {
	local name=$1 program
	shift
	for program; do
		command -v "$program" >/dev/null || skip_all "$name" "$program is missing"
	done
}

# need_rust NAME: a compiler that Debian testing's crates can do with (those of the edition of 2024).
need_rust() {
	local has
	need_programs "$1" cargo rustc
	has=$(rustc --version | cut -d' ' -f2)
	[ "$(printf '%s\n' "$has" 1.85 | sort -V | head -n 1)" = 1.85 ] ||
		skip_all "$1" "rustc $has is too old for the crates; they take 1.85"
}

# crate NAME SET [OPTION...]: build the program in tests/peers/NAME, of the crates in a set of tools/sets and of no
# others, into build/peers/cargo/release.
crate() {
	local folder=$top/build/peers/$1 registry
	registry=$("$top/tools/fetch" "$2")/usr/share/cargo/registry
	# Elsewhere: cargo writes down beside the manifest which versions it took.
	rm -rf "$folder"
	mkdir -p "$top/build/peers"
	cp -r "$top/tests/peers/$1" "$folder"
	cargo build --quiet --release --offline --manifest-path "$folder/Cargo.toml" \
		--target-dir "$top/build/peers/cargo" --config "source.crates-io.replace-with='debian'" \
		--config "source.debian.directory='$registry'" "${@:3}"
}

# wait_until COMMAND...: half a minute at most.
wait_until() {
	for _ in $(seq 300); do
		! "$@" || return 0
		sleep 0.1
	done
	return 1
}

# peer SET PROGRAM ARGUMENT...: a program of a set of tools/sets, with the set's own libraries, in place of this
# shell.
peer() {
	local tree loader program=$2
	tree=$("$top/tools/fetch" "$1")
	shift 2
	loader=$(find "$tree/usr/lib" -name 'ld-linux-x86-64.so.2' | head -n 1)
	exec "$loader" --library-path "$(dirname "$loader")" "$tree/$program" "$@"
}

# again_and_again COMMAND...: a peer that a guest can bring down is started anew, until the script ends it.
again_and_again() {
	local child=
	trap 'kill "$child" 2>/dev/null; exit' TERM
	while :; do
		"$@" &
		child=$!
		wait "$child" || true
	done
}

pass() {
	echo "pass $1"
	passed=$((passed + 1))
}

# fail NAME WHY FILE: with the end of what was said.
fail() {
	echo "FAIL $1: $2"
	tail -n 30 "$3" | sed 's/^/    | /'
	failed=$((failed + 1))
}

# compare NAME FILE: with the file expected.
compare() {
	if cmp -s "$2" expected; then
		pass "$1"
	else
		diff "$2" expected >difference || true
		fail "$1" "not what was expected" difference
	fi
}

count() {
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" = 0 ]
}
