# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# debian-root-qcow2: Debian runs from a root in a qcow2 image; its backing file is as it was, and the image without faults.
# shellcheck shell=sh
host=storage
long="x86 arm64 powerpc"
limit=900

run() {
	use root
	images_mount
	memory=384M
	patience=$((patience * 4))
	params="$params root=/dev/vda rw"
	guest_start root -d /images/root.qcow2,format=qcow2
	guest_end
	images_umount
	expect_guest state=done root="/dev/vda ext4" debian=debian intact_coreutils=yes intact_dpkg=yes \
		intact_perl-base=yes copied=yes
	expect_more packages 80
}

check() {
	image_get base.img
	image_get root.qcow2
	cmp base.img ../root.img || check_fail "the backing file was changed"
	qemu-img check -q root.qcow2 >out/check.log 2>&1 || check_fail "the image has faults: $(cat out/check.log)"
	qemu-img convert -O raw root.qcow2 flat.raw
	e2fsck -fn flat.raw >out/e2fsck.log 2>&1 || check_fail "the root's filesystem has faults: $(cat out/e2fsck.log)"
	[ "$(debugfs -R "cat /root/written" flat.raw 2>/dev/null)" = "$check_case-$nonce" ] ||
		check_fail "what the guest wrote isn't in its root"
}
