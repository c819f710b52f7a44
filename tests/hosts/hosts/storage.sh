# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# storage: a host with a disk that has a Debian root for guests, and a filesystem with images.
# shellcheck shell=sh

host_machine="-smp 2 -m 1536"
# Of these nothing has to outlive the emulated machine, whose flushes need not reach a disk.
devices="
-drive if=none,id=root,file=root.raw,format=raw,cache=unsafe
-device virtio-blk-pci,drive=root,serial=root
-drive if=none,id=images,file=images.raw,format=raw,cache=unsafe
-device virtio-blk-pci,drive=images,serial=images
"

images() {
	cp --sparse=always ../root.img root.raw &&
		mkdir images &&
		ln ../root.img images/base.img &&
		qemu-img create -q -f qcow2 -b base.img -F raw images/root.qcow2 &&
		qemu-img create -q -f qcow2 images/verify.qcow2 16M &&
		qemu-img create -q -f qcow2 images/kill.qcow2 64M &&
		truncate -s 16M images/verify-uring.img images/verify-libaio.img images/verify-threads.img &&
		truncate -s 64M images/kill.img &&
		mke2fs -q -t ext4 -d images images.raw 2G &&
		rm -r images
}

# disks_load: what the host needs for its own disks, once.
disks_load() {
	[ -d /sys/module/ext4 ] || load disks
}

# disk_called SERIAL: the host's disk.
disk_called() {
	basename "$(dirname "$(grep -lx "$1" /sys/block/vd*/serial)")"
}

# images_mount: the images in /images, until images_umount.
images_mount() {
	disks_load
	mkdir -p /images
	grep -q ' /images ' /proc/mounts || mount -t ext4 "/dev/$(disk_called images)" /images ||
		fail "the host's images can't be mounted"
}

images_umount() {
	umount /images || fail "/images is still in use"
}

# image_get NAME: this image, from outside.
image_get() {
	debugfs -R "dump /$1 $1" images.raw 2>/dev/null
	[ -s "$1" ] || check_fail "there is no image $1"
}
