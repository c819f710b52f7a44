# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# gicv2-plain: a GICv2 without the frame for messages.
# shellcheck shell=sh
host=gicv2
long="arm64"

run() {
	carillon_only
	bind "$nvme"
	guest_start nvme,pause --vfio "$nvme" --irqchip gicv2
	guest_wait state=paused
	expect_guest serial0=shared nvme_msis=0
	expect_host_irqs "$nvme" nvme_irqs "$intx_times"
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
