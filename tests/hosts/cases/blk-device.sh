# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# blk-device: disks of the host with sectors of 4 KiB: the guest knows it, and what it clears is cleared there. A
# third one becomes larger.
# shellcheck shell=sh
host=disks
long="x86 arm64 powerpc"
limit=600

run() {
	carillon_only
	patience=200
	use virtio
	give_to_nvme "$first"
	give_to_nvme "$second"
	first=/dev/$(basename /sys/bus/pci/devices/"$first"/nvme/nvme*)n1
	second=/dev/$(basename /sys/bus/pci/devices/"$second"/nvme/nvme*)n1
	sum=$(head -c 2097152 "$first" | sha256sum | cut -c1-64)
	truncate -s 32M growing.img
	third=$(losetup -f)
	losetup "$third" growing.img || fail "no loop device"
	trap 'losetup -d "$third"' EXIT
	params="quiet panic=-1 last=vdc grown=vdc:98304"
	head -c 4096 "$first" >expected
	yes "$mark" | head -c 512 | dd of=expected bs=512 seek=3 conv=notrunc 2>/dev/null
	guest_start blk,topology,odd,clear,pause,grown -d "$first,direct" -d "$second" -d "$third"
	guest_wait_calm
	truncate -s 48M growing.img
	losetup -c "$third"
	refuses 'no disk 3; the first is 0' carillon resize "$guest_name" 3
	carillon resize "$guest_name" 2 || fail "carillon resize: status $?"
	guest_say go
	guest_end
	# Logical, physical, least and best request, discarding: what the host's kernel knows of its disk.
	expect_guest state=done bytes_vda=33554432 sha256_vda="$sum" written_vda="$mark" written_vdb="$mark" \
		written_vdc="$mark" zeros_vdc="2 3 4 5 6 7" grown_vdc="98304 ok"
	for disk in "vda $first" "vdb $second"; do
		queue=/sys/block/${disk#*/dev/}/queue
		expected=$(for what in logical_block_size physical_block_size minimum_io_size optimal_io_size \
			discard_granularity; do cat "$queue/$what"; done | tr '\n' ' ')
		expect_guest "topology_${disk% *}=${expected% }" "zeros_${disk% *}=2 4" "odd_${disk% *}=done"
	done
	[ "$(cat "$queue/logical_block_size")" = 4096 ] || fail "the host's disk has other sectors"
	# Not only in the guest's eyes.
	sync
	head -c 4096 "$first" | cmp - expected || fail "beside a sector of 512 bytes something else has changed"
	for disk in "$first" "$second"; do
		head -c 4194304 /dev/zero >zeros
		for n in 2 4; do
			dd if="$disk" bs=4M skip="$n" count=1 2>/dev/null | cmp -s - zeros || fail "$disk has data at $n"
		done
		dd if="$disk" bs=4M skip=3 count=1 2>/dev/null | cmp -s - zeros && fail "$disk has lost its data at 3"
	done
	:
}

# What was given back takes no room: 4 MiB discarded, and 4 MiB zeroed, which may be.
check() {
	for disk in one two; do
		[ "$(du -k "$disk.raw" | cut -f1)" -le $((28 * 1024)) ] ||
			check_fail "$disk.raw takes $(du -k "$disk.raw" | cut -f1) KiB"
	done
}
