# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-e1000e: a disk and a network card in one guest.
# shellcheck shell=sh
host=devices
long="arm64 powerpc"

run() {
	use full
	bind "$nvme" "$e1000e"
	guest_start nvme,net,pause --vfio "$nvme" --vfio "$e1000e"
	guest_wait state=paused
	expect_guest serial0=shared driver=e1000e ping=3
	expect_host_irqs "$nvme" nvme_irqs
	expect_host_irqs "$e1000e" eth_irqs
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
