# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-bypass: KVM hands a disk's interrupts to the guest by itself: the host's handlers see none.
# shellcheck shell=sh
host=powernv
long="powerpc"

run() {
	parameter=/sys/module/kvm_hv/parameters/kvm_irq_bypass
	echo 1 >$parameter
	trap 'echo 0 >$parameter' EXIT
	bind "$nvme"
	guest_start nvme,pause,nvme,pause --vfio "$nvme"
	guest_wait state=paused
	seen=$(guest_value nvme_irqs)
	handled=$(host_irqs "$nvme")
	guest_say go
	guest_wait state=paused
	seen=$(($(guest_value nvme_irqs) - seen))
	handled=$(($(host_irqs "$nvme") - handled))
	echo "case: $handled interrupts in the host, $seen in the guest"
	[ "$seen" -gt 5 ] || fail "the guest saw $seen interrupts of its disk"
	[ "$handled" = 0 ] || fail "the host handled $handled interrupts, the guest $seen"
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
