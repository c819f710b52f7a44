# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-exclusive: an NVMe whose MSI-X table has a BAR of its own.
# shellcheck shell=sh
host=devices
long="arm64 powerpc"

run() {
	bind "$nvme_exclusive"
	guest_start nvme,pause --vfio "$nvme_exclusive"
	guest_wait state=paused
	expect_guest serial0=exclusive
	expect_host_irqs "$nvme_exclusive" nvme_irqs
	guest_say go
	guest_end
}

check() {
	disk_read exclusive
	disk_written exclusive
}
