# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# check.sh: what boot knows about a case from outside of the emulated host.
#
# A case may define check(), made of these helpers; it runs after the host's part, beside the disk
# images. The first failure ends it, with its reason on stdout.
# shellcheck shell=bash

check_fail() {
	echo "$*"
	exit 1
}

# said NAME: the guest's last word on NAME.
said() {
	sed -n "s/.*GUEST: $1=//p" "out/$check_case.log" | tr -d '\r' | tail -n 1
}

# disk_read DISK [N]: the guest's Nth disk had the contents of this image.
disk_read() {
	local sum
	sum=$(head -c 2M "$1.raw" | sha256sum | cut -c1-64)
	[ "$(said "sha256${2:-0}")" = "$sum" ] || check_fail "what the guest read from $1 isn't what is there"
}

# disk_written DISK [SUFFIX]: the case's mark is in the image.
disk_written() {
	local at
	at=$(sed -n "s/^$check_case \([0-9]*\) .*/\1/p" out/cases)
	cmp -s <(yes "$check_case-$nonce${2-}" | head -c 65536) \
		<(dd if="$1.raw" bs=64k skip=$((at * 16)) count=1 2>/dev/null) ||
		check_fail "what the guest wrote isn't in the image of $1"
}

# qcow2_has FILE DISK N...: QEMU finds no fault in an image in out/, and chunks that the guest wrote (its step
# chunks) are there.
qcow2_has() {
	local file=out/$1 disk=$2 n
	shift 2
	qemu-img check -q -f qcow2 "$file" >"$file.log" 2>&1 || check_fail "$file has faults: $(tail -n 3 "$file.log")"
	qemu-img convert -f qcow2 -O raw "$file" "$file.raw"
	for n; do
		cmp -s <(yes "$check_case-$nonce-$disk-$n" | head -c 65536) \
			<(dd if="$file.raw" bs=64k skip="$n" count=1 2>/dev/null) || check_fail "chunk $n isn't in $file"
	done
	rm "$file" "$file.raw"
}

# case_check CASE: run the check of a case, if it has one.
case_check() (
	check_case=$1
	check() { :; }
	# shellcheck source=/dev/null
	. "$cases/$1.sh"
	check
)
