# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# fio-verify: fio finds on four disks what it has written there, and so does who reads the images: raw ones behind each engine, and qcow2.
# shellcheck shell=sh
host=storage
long="x86 arm64 powerpc"
limit=1200

# Two jobs for each disk, 2 MiB each, with requests of all sizes and many of them under way.
make_jobs() {
	cat <<-'END'
		[global]
		ioengine=libaio
		direct=1
		iodepth=16
		rw=randwrite
		bssplit=512/10:4k/40:16k/30:64k/20
		fsync=64
		verify=crc32c
		verify_fatal=1
		numjobs=2
		size=2M
		offset_increment=8M
		group_reporting
	END
	for disk; do
		printf '[%s]\nnew_group\nfilename=/dev/%s\n' "$disk" "$disk"
	done
}

run() {
	use root
	images_mount
	memory=384M
	cpus=2
	patience=$((patience * 4))
	params="$params root=/dev/vda"
	mkdir -p share
	make_jobs vdb vdc vdd vde >share/verify.fio
	guest_start share,fio -d /images/base.img,ro --9p "$work/share,share" \
		-d /images/verify-uring.img,direct,aio=io_uring,queues=2 \
		-d /images/verify-libaio.img,direct,aio=libaio,queues=2 \
		-d /images/verify-threads.img,aio=threads,queues=2 \
		-d /images/verify.qcow2,format=qcow2,queues=2
	guest_end
	images_umount
	expect_guest state=done fio_verify=0
	for disk in vdb vdc vdd vde; do
		expect_guest "error_$disk=0" "read_$disk=4096" "written_$disk=4096"
	done
}

# as_read IMAGE DISK: what the guest has read of the disk is in the image.
as_read() {
	[ "$(sha256sum <"$1" | cut -c1-64)" = "$(said "sum_$2")" ] || check_fail "$1 isn't what the guest reads"
}

check() {
	for name in verify-uring.img verify-libaio.img verify-threads.img verify.qcow2; do
		image_get "$name"
	done
	qemu-img check -q verify.qcow2 >out/check.log 2>&1 || check_fail "the image has faults: $(cat out/check.log)"
	qemu-img convert -O raw verify.qcow2 verify-flat.img
	as_read verify-uring.img vdb
	as_read verify-libaio.img vdc
	as_read verify-threads.img vdd
	as_read verify-flat.img vde
}
