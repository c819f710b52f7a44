# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-shared: an NVMe whose MSI-X table lies in BAR 0 beside its registers.
# shellcheck shell=sh
host=devices

run() {
	bind "$nvme"
	guest_start nvme,pause --vfio "$nvme"
	guest_wait state=paused
	expect_guest serial0=shared
	expect_host_irqs "$nvme" nvme_irqs
	if [ "$vmm" = carillon ]; then
		stat_says "\"name\":\"$case_name\"" '"state":"running"' '"exits"' "$nvme"
	fi
	guest_say go
	guest_end
	expect_guest state=done
}

check() {
	disk_read shared
	disk_written shared
}
