# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# edu: QEMU's edu device, driven by a program on the bare guest: MMIO, MSI and DMA.
# shellcheck shell=sh
host=devices
limit=30

run() {
	carillon_only
	[ -e /share/guest/edu.elf ] || skip "build/x86/guest/edu.elf isn't there"
	kernel=/share/guest/edu.elf
	bind "$edu"
	guest_boot --vfio "$edu"
	guest_end
	grep -q '^edu: ok' said || fail "no 'edu: ok' from the guest"
	! grep -q '^edu: fail' said || fail "$(grep -m 1 '^edu: fail' said)"
}
