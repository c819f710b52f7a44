# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-igb: a disk and another network card in one guest.
# shellcheck shell=sh
host=devices

run() {
	use full
	bind "$nvme" "$igb"
	guest_start nvme,net,pause --vfio "$nvme" --vfio "$igb"
	guest_wait state=paused
	expect_guest serial0=shared driver=igb ping=3
	expect_host_irqs "$nvme" nvme_irqs
	expect_host_irqs "$igb" eth_irqs
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
