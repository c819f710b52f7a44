# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-intx: an NVMe on a level-triggered pin, in a guest without MSI.
# shellcheck shell=sh
host=devices
long="arm64"

run() {
	params="$params pci=nomsi"
	bind "$nvme"
	guest_start nvme,pause --vfio "$nvme"
	guest_wait state=paused
	expect_host_irqs "$nvme" nvme_irqs "$intx_times"
	expect_guest nvme_msis=0
	grep -q "vfio-intx($nvme)" /proc/interrupts || fail "the host has no vfio-intx handler for $nvme"
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
