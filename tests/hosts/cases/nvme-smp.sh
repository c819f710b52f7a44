# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-smp: NVMe vectors on both CPUs of a guest: the queues', and the admin queue's moved about.
# shellcheck shell=sh
host=smp

run() {
	cpus=2
	bind "$nvme"
	guest_start nvme,steer --vfio "$nvme"
	guest_end
	expect_guest state=done
	expect_more nvme_irqs_cpu0 49
	expect_more nvme_irqs_cpu1 49
	expect_more admin_irqs_moved_cpu0 0
	expect_more admin_irqs_moved_cpu1 0
}

check() {
	disk_read shared
	disk_written shared
}
