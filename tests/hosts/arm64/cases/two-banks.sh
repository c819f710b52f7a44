# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# two-banks: two guests at once, each with a disk and an MSI bank of its own shape.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	bind "$nvme" "$nvme_exclusive"
	guest_start nvme,pause,nvme,pause --vfio "$nvme" --msi-bank 0x8000000,2M
	guest_wait state=paused

	guest_other
	guest_start nvme,pause --vfio "$nvme_exclusive" --msi-bank 0x6000000,64M
	guest_wait state=paused
	expect_guest serial0=exclusive
	expect_more nvme_msis 0
	expect_host_irqs "$nvme_exclusive" nvme_irqs
	# check tells disks apart by their numbers.
	echo "GUEST: sha2561=$(guest_value sha2560)"

	guest_other
	before=$(guest_value nvme_msis)
	guest_say go
	guest_wait state=paused
	expect_guest serial0=shared
	expect_more nvme_msis "$before"
	expect_host_irqs "$nvme" nvme_irqs
	guest_say go
	guest_end

	guest_other
	guest_say go
	guest_end
}

check() {
	disk_read shared 0
	disk_read exclusive 1
	disk_written shared
	disk_written exclusive
}
