# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-xive: a guest that drives a XIVE by itself: its two CPUs signal each other, and an NVMe's vectors
# come to both, moved about or not.
# shellcheck shell=sh
host=powernv

run() {
	carillon_only
	cpus=2
	bind "$nvme"
	guest_start nvme,steer,nvme,xive,pause --vfio "$nvme" --irqchip xive
	guest_wait state=paused
	expect_guest serial0=shared
	expect_more xive_ipis 0
	for cpu in 0 1; do
		expect_more nvme_irqs_cpu$cpu 49
		expect_more admin_irqs_moved_cpu$cpu 0
	done
	expect_host_irqs "$nvme" nvme_irqs
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
