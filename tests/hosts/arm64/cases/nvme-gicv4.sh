# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-gicv4: a disk's interrupts reach the guest without the host's help: it handles next to none.
# shellcheck shell=sh
host=gicv4
long="arm64"

run() {
	dmesg | grep -q 'GICv4.* support enabled' || fail "the host's KVM doesn't use GICv4"
	bind "$nvme"
	guest_start nvme,pause,nvme,pause --vfio "$nvme"
	guest_wait state=paused
	# Until the guest has mapped an interrupt the host must take it.
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
