# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-mmio: without a bus, too, the guest has entropy, and a level interrupt for it.
# shellcheck shell=sh
host=virtio

run() {
	carillon_only
	use virtio
	if [ "$virtio_mmio" = no ]; then
		refuses_run "use --virtio-transport pci" --virtio-transport mmio --rng
		return
	fi
	guest_start rng,pause --virtio-transport mmio --rng
	guest_wait_calm
	expect_guest rng=virtio_rng.0 rng_bytes=4096
	[ "$(counter bytes)" -ge 4096 ] || fail "the device gave $(counter bytes) bytes"
	# Of those that came before the guest had acknowledged the last one it saw none.
	expect_more rng_irqs 0
	[ "$(guest_value rng_irqs)" -le "$(counter interrupts)" ] ||
		fail "the guest had $(guest_value rng_irqs) interrupts of $(counter interrupts)"
	guest_say go
	guest_end
	expect_guest state=done
}
