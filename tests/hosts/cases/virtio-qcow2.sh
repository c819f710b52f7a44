# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-qcow2: the VMM is killed while its guest writes to a qcow2 image; all that was flushed is there after that.
# shellcheck shell=sh
host=virtio
long="arm64 powerpc"

run() {
	carillon_only
	use virtio
	# shellcheck source=/dev/null
	. /share/qcow2.sh
	make_qcow2 disk.qcow2
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
