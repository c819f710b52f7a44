# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# testdev: QEMU's pci-testdev: accesses of every width to a memory BAR, and an I/O BAR.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	kernel=/share/guest/testdev.elf
	bind "$testdev"
	guest_boot --vfio "$testdev"
	guest_end
	grep -q 'testdev: PASS' said || fail "$(tail -n 1 said)"
}
