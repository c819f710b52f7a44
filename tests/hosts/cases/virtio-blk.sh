# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-blk: raw disks are what their images are, through the page cache and past it, read-only and full.
# shellcheck shell=sh
host=virtio
long="arm64 powerpc"
limit=300

run() {
	carillon_only
	use virtio
	cpus=2
	yes "the first disk" | head -c 2097152 >first.img
	yes "another disk" | head -c 4194304 >second.img
	cp second.img third.img
	truncate -s 64M second.img third.img
	# A filesystem that has room for nearly nothing.
	mkdir -p small
	mount -t tmpfs -o size=32k small small
	truncate -s 64M small/fourth.img
	first=$(head -c 2097152 first.img | sha256sum | cut -c1-64)
	second=$(head -c 2097152 second.img | sha256sum | cut -c1-64)
	# The guest gives this back.
	yes "not for long" | head -c 8388608 | dd of=first.img bs=1M seek=56 conv=notrunc 2>/dev/null
	yes "$mark" | head -c 65536 >expected

	refuses_run 'disk absent.img: there is no such file' -d first.img -d absent.img
	guest_start blk,blk_discard,pause -d first.img,queues=2 -d second.img,direct,aio=libaio -d third.img,ro \
		-d small/fourth.img
	guest_wait_calm
	refuses_run 'first.img: it is locked by process [0-9]* (carillon)' --name other -d first.img
	stat_says '"io_errors":0' '"io_errors":1' '"engine":"io_uring"' '"engine":"libaio"'
	guest_say go
	guest_end
	umount small
	expect_guest state=done bytes_vda=67108864 serial_vda=first.img queues_vda=2 queues_vdb=1 ro_vda=0 ro_vdc=1 \
		sha256_vda="$first" sha256_vdb="$second" sha256_vdc="$second" \
		written_vda="$mark" written_vdb="$mark" written_vdc=refused written_vdd=refused discarded=8M
	for image in first second; do
		dd if="$image.img" bs=64k skip=$((slot * 16)) count=1 2>/dev/null | cmp - expected ||
			fail "what the guest wrote isn't in $image.img"
	done
	[ "$(du -k first.img | cut -f1)" -le 8400 ] || fail "first.img still takes $(du -k first.img)"
	grep -q "fourth.img: an I/O error, of which the guest is told: No space left on device" said ||
		fail "nothing was said of the full filesystem"
}
