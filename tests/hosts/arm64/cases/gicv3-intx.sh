# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# gicv3-intx: a controller without messages: the guest's driver falls back to the level-triggered pin.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	bind "$nvme"
	guest_start nvme,pause --vfio "$nvme" --irqchip gicv3
	guest_wait state=paused
	expect_guest serial0=shared nvme_msis=0
	expect_host_irqs "$nvme" nvme_irqs "$intx_times"
	stat_says '"mode":"intx"'
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
