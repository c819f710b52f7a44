# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-blk-kill: the VMM is killed while its guest writes; all that was flushed is there, and the lock is gone.
# shellcheck shell=sh
host=virtio
long="x86 arm64 powerpc"
limit=300

run() {
	carillon_only
	use virtio
	truncate -s 64M disk.img
	guest_start blk_lines -d disk.img,direct
	guest_wait flushed=5
	kill -KILL "$guest_pid"
	guest_end 137
	last=$(guest_value flushed)
	[ "$last" -ge 5 ] || fail "the last line is $last"
	number=0
	while [ "$number" -le "$last" ]; do
		yes "$mark-$number" | head -c 65536 >line
		dd if=disk.img bs=64k skip="$number" count=1 2>/dev/null | cmp - line || fail "line $number is lost"
		number=$((number + 1))
	done
	rm said
	guest_start blk -d disk.img
	guest_end
	expect_guest state=done written_vda="$mark"
}
