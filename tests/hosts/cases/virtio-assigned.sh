# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-assigned: virtio functions of the host, given away like any other, beside the VMM's own of the same kinds.
# shellcheck shell=sh
host=devices
limit=300

run() {
	carillon_only
	use virtio
	bind "$virtio_net" "$virtio_blk"
	yes "our own disk" | head -c 4194304 >own
	sum=$(head -c 2097152 own | sha256sum | cut -c1-64)
	truncate -s 64M own
	# It is the script that has an argument.
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nip addr add 10.0.2.2/24 dev "$1" && ip link set "$1" up\n' >up
	chmod +x up
	params='quiet panic=-1 last=vdb'
	guest_start beside,pause --vfio "$virtio_net" --vfio "$virtio_blk" -d own -n "tap,script=$PWD/up,vhost=off"
	guest_wait_calm
	expect_guest driver0=virtio_net ping0=3 driver1=virtio_net ping1=3
	ours=vda
	[ "$(guest_value serial_vdb)" != own ] || ours=vdb
	expect_guest serial_$ours=own sha256_$ours="$sum" written_$ours="$mark"
	yes "$mark" | head -c 65536 >expected
	dd if=own bs=64k skip=$((slot * 16)) count=1 2>/dev/null | cmp - expected ||
		fail "what the guest wrote isn't in our own disk"
	guest_say go
	guest_end
	expect_guest state=done
}

check() {
	theirs=vda
	[ "$(said serial_vdb)" != paravirtual ] || theirs=vdb
	[ "$(said serial_$theirs)" = paravirtual ] || check_fail "the guest has no disk of the host's"
	[ "$(said sha256_$theirs)" = "$(head -c 2M paravirtual.raw | sha256sum | cut -c1-64)" ] ||
		check_fail "what the guest read from the host's disk isn't what is there"
	disk_written paravirtual
}
