# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# pvh: an ELF vmlinux, entered through its PVH note, with an initrd and an assigned disk.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	kernel=/share/guest-vmlinux
	bind "$nvme"
	guest_start cpus,nvme --vfio "$nvme"
	guest_end
	expect_guest cpus=1 clocksource=kvm-clock state=done
}

check() {
	disk_read shared
	disk_written shared
}
