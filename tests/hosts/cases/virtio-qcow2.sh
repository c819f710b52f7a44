# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-qcow2: the VMM is killed while its guest writes to a qcow2 image; all that was flushed is there after that.
# shellcheck shell=sh
host=virtio
long="arm64 powerpc"

# poke OFFSET BYTES: bytes of the image, as printf has them.
poke() {
	# shellcheck disable=SC2059
	printf "$2" | dd of=disk.qcow2 bs=1 seek=$(($1)) conv=notrunc 2>/dev/null
}

# An empty image of 64 MiB in version 3, by hand, since the host has no qemu-img: refcount table and block, L1 table.
make_image() {
	truncate -s 256K disk.qcow2
	poke 0 'QFI\373\0\0\0\3'
	poke 20 '\0\0\0\20\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\1'
	poke 96 '\0\0\0\4\0\0\0\150'
	poke 0x10000 '\0\0\0\0\0\2\0\0'
	poke 0x20000 '\0\1\0\1\0\1\0\1'
}

run() {
	carillon_only
	use virtio
	make_image
	refuses_run 'disk disk.qcow2: it begins like a qcow2 image' -d disk.qcow2
	guest_start blk_lines -d disk.qcow2,format=qcow2
	guest_wait flushed=31
	kill -KILL "$guest_pid"
	guest_end 137
	number=0
	while [ "$number" -lt 32 ]; do
		yes "$mark-$number" | head -c 65536
		number=$((number + 1))
	done >lines
	rm said
	guest_start blk,blk_discard -d disk.qcow2,format=qcow2
	guest_end
	expect_guest state=done bytes_vda=67108864 sha256_vda="$(sha256sum <lines | cut -c1-64)" written_vda="$mark" \
		discarded=8M
}
