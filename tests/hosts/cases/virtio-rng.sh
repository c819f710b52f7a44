# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-rng: the guest has entropy from the host, with interrupts of its own, and the VMM counts what it gave.
# shellcheck shell=sh
host=devices
long="arm64 powerpc"

run() {
	carillon_only
	use virtio
	guest_start rng,pause --rng
	guest_wait_calm
	expect_guest rng=virtio_rng.0 rng_bytes=4096
	[ "$(counter bytes)" -ge 4096 ] || fail "the device gave $(counter bytes) bytes"
	[ "$(guest_value rng_irqs)" -gt 0 ] || fail "the guest had no interrupt"
	guest_say go
	guest_end
	expect_guest state=done
}
