# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# iommufd-bank: the bank with iommufd's ranges: one beside the host's MSI window is refused, the one
# that the message names works, with memory that would have lain across it.
# shellcheck shell=sh
host=iommufd

run() {
	carillon_only
	bind "$nvme"
	refuses_run 0x10000000 --iommu iommufd --vfio "$nvme" --msi-bank 0x10000000,2M
	refusal_says 0x8000000
	bank=$(sed -n 's/.*--msi-bank[ =]\(0x[0-9a-f]*,[0-9]*[KMG]\).*/\1/p' refusal)
	[ -n "$bank" ] || fail "the message doesn't name a bank that works"
	memory=256M@0x0
	carillon vfio map --iommu iommufd -m "$memory" "$nvme" || fail "carillon vfio map: status $?"
	guest_start iomem,nvme,pause --iommu iommufd --vfio "$nvme"
	guest_wait state=paused
	stat_says '"iommu":"iommufd"'
	for range in $(guest_value ram); do
		[ $((0x${range%-*})) -gt $((0x80fffff)) ] || [ $((0x${range#*-})) -lt $((0x8000000)) ] ||
			fail "the guest has memory at $range, inside the host's MSI window"
	done
	guest_say go
	guest_end
	expect_guest state=done serial0=shared
	memory=256M
	guest_start nvme --iommu iommufd --vfio "$nvme" --msi-bank "$bank"
	guest_end
	expect_guest state=done serial0=shared
	expect_more nvme_msis 0
}

check() {
	disk_read shared
	disk_written shared
}
