# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-xive-intx: a level interrupt through a XIVE, which carillon raises anew if it is still up when the
# guest has handled it.
# shellcheck shell=sh
host=powernv
long="powerpc"

run() {
	carillon_only
	params="$params pci=nomsi"
	bind "$nvme"
	guest_start nvme,xive,pause --vfio "$nvme" --irqchip xive
	guest_wait state=paused
	expect_guest nvme_msis=0
	expect_more xive_levels 0
	expect_host_irqs "$nvme" nvme_irqs "$intx_times"
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
