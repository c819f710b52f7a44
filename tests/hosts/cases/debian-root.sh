# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# debian-root: Debian runs from a root on a disk, a raw block device; what it writes is there when it is off, on a filesystem without faults.
# shellcheck shell=sh
host=storage
long="x86 arm64 powerpc"
limit=900

run() {
	use root
	disks_load
	memory=384M
	patience=$((patience * 4))
	params="$params root=/dev/vda rw"
	guest_start root -d "/dev/$(disk_called root),direct"
	guest_end
	expect_guest state=done root="/dev/vda ext4" debian=debian intact_coreutils=yes intact_dpkg=yes \
		intact_perl-base=yes copied=yes
	expect_more packages 80
}

check() {
	e2fsck -fn root.raw >out/e2fsck.log 2>&1 || check_fail "the root's filesystem has faults: $(cat out/e2fsck.log)"
	[ "$(debugfs -R "cat /root/written" root.raw 2>/dev/null)" = "$check_case-$nonce" ] ||
		check_fail "what the guest wrote isn't in its root"
}
