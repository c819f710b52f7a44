# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-rng: an entropy device's interrupts through a XIVE, which a radix guest drives by itself, and to a
# guest with a hash MMU.
# shellcheck shell=sh
host=powernv
limit=480
long="powerpc"

# entropy MMU OPTION...: a guest gets it, and has no warning of the device.
entropy() {
	mmu=$1
	shift
	guest_start mmu,rng,pause --rng "$@"
	guest_wait_calm
	expect_guest "mmu=$mmu" rng=virtio_rng.0 rng_bytes=4096
	expect_more rng_irqs 0
	guest_say go
	guest_end
	! grep virtio-pci said || fail "the guest's kernel minds something"
}

run() {
	carillon_only
	use full
	# A guest with a hash MMU is slow to say its first word here.
	patience=180
	entropy Radix --irqchip xive
	entropy Hash --cpu mmu=hash
}
