# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-bypass: KVM hands a disk's interrupts to the guest by itself: the host's handlers see none.
# shellcheck shell=sh
host=powernv
long="powerpc"

run() {
	parameter=/sys/module/kvm_hv/parameters/kvm_irq_bypass
	echo 1 >$parameter
	trap 'echo 0 >$parameter' EXIT
	nvme_past_host
}

check() {
	disk_read shared
	disk_written shared
}
