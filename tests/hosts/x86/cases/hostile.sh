# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# hostile: a guest that writes nonsense everywhere, with a real device among its victims.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	kernel=/share/guest/probe.elf
	bind "$nvme"
	guest_boot -p hostile --vfio "$nvme"
	guest_end
	grep -q 'probe: PASS' said || fail "the guest did not get through: $(tail -n 1 said)"
	# The device works for the next guest all the same.
	kernel=/share/guest-kernel
	guest_start nvme --vfio "$nvme"
	guest_end
	expect_guest state=done
}

check() {
	disk_written shared
}
