# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# iommufd-nvme: an NVMe by its own file and /dev/iommu, as is the default where the host has them.
# shellcheck shell=sh
host=iommufd

run() {
	carillon_only
	bind "$nvme"
	guest_start nvme,pause --vfio "$nvme"
	guest_wait state=paused
	expect_guest serial0=shared
	expect_host_irqs "$nvme" nvme_irqs
	expect_more nvme_msis 0
	stat_says '"iommu":"iommufd"' "$nvme" '"bar_traps":0' '"through_user_space":0'
	find "/proc/$guest_pid/fd" -exec readlink {} \; >files
	grep -q '^/dev/iommu$' files || fail "the VMM has no /dev/iommu open"
	grep -q '^/dev/vfio/devices/' files || fail "the VMM has no device's file open"
	! grep -q '^/dev/vfio/[0-9v]' files || fail "the VMM has a group or a container open"
	guest_say go
	guest_end
	expect_guest state=done
}

check() {
	disk_read shared
	disk_written shared
}
