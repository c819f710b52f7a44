# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-hash: a guest with a hash MMU, where the host's KVM has both.
# shellcheck shell=sh
host=powernv
long="powerpc"

run() {
	carillon_only
	bind "$nvme"
	guest_start mmu,nvme,pause --vfio "$nvme" --cpu mmu=hash
	guest_wait state=paused
	expect_guest mmu=Hash serial0=shared
	expect_host_irqs "$nvme" nvme_irqs
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
