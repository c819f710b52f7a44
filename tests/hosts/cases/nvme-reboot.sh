# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-reboot: a guest reboots and its device still works.
# shellcheck shell=sh
host=devices
long="arm64"

run() {
	bind "$nvme"
	guest_start reboot_once,nvme --vfio "$nvme"
	guest_wait boot=first
	guest_wait boot=second
	guest_end
	expect_guest state=done serial0=shared
}

check() {
	disk_read shared
	disk_written shared
}
