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

# need_kvm NAME: all of it is skipped where there is no KVM, which bare-metal guests want.
need_kvm() {
	[ -w /dev/kvm ] && return
	echo "skip $1: no usable /dev/kvm on this machine"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
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

count() {
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" = 0 ]
}
