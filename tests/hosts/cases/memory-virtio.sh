# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# memory-virtio: with two disks, a card, console and entropy, all of them used, the VMM has at most 6 MiB of its own.
# shellcheck shell=sh
host=virtio
long="x86 arm64 powerpc"
limit=400

run() {
	carillon_only
	patience=200
	use virtio
	# shellcheck source=/dev/null
	. /share/qcow2.sh
	truncate -s 64M raw.img
	make_qcow2 disk.qcow2
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nip addr add 10.0.2.2/24 dev "$1" && ip link set "$1" up\n' >up
	chmod +x up
	mkfifo keep
	head -c 8388608 /dev/urandom >sent
	nc -l -p 5001 <sent >/dev/null &
	nc -l -p 5002 <>keep >back &
	params="quiet panic=-1 hvc=$virtio_hvc last=vdb disk=vda chunks=vdb:0:63"
	guest_start hvc,rng,net,transfer,blk,chunks,bench,pause --rng --console virtio -d raw.img,direct \
		-d disk.qcow2,format=qcow2 -n "tap,ifname=guest0,script=$work/up,vhost=off"
	guest_wait_calm
	own_memory_below 6144
	guest_say go
	guest_end
	expect_guest rng=virtio_rng.0 ping=3 "transfer=$(sha256sum <sent | cut -c1-64)" written_vda="$mark" \
		written_vdb="$mark" "chunks_vdb=$(yes ok | head -n 64 | xargs)"
	cmp sent back || fail "what the guest sent back is something else"
}
