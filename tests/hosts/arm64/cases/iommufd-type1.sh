# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# iommufd-type1: groups and the Type1 container on a host that has iommufd too.
# shellcheck shell=sh
host=iommufd

run() {
	carillon_only
	bind "$nvme" "$nvme_exclusive"
	guest_start nvme,pause --iommu type1 --vfio "$nvme" --vfio "$nvme_exclusive"
	guest_wait state=paused
	expect_more nvme_msis 0
	for bdf in "$nvme" "$nvme_exclusive"; do
		[ "$(host_irqs "$bdf")" -gt 0 ] || fail "no interrupts of $bdf in the host"
	done
	stat_says '"iommu":"type1"' "$nvme" "$nvme_exclusive"
	! find "/proc/$guest_pid/fd" -exec readlink {} \; | grep '^/dev/iommu$' ||
		fail "the VMM has /dev/iommu open"
	! grep "out of reach" said || fail "Type1 maps BARs for other devices, and here it didn't"
	guest_say go
	guest_end
	expect_guest state=done
	refuses_run 'iommufd' --iommu nonsense --vfio "$nvme"
}

check() {
	# The guest may number them either way round.
	disk_read "$(said serial0)"
	disk_written "$(said serial0)"
}
