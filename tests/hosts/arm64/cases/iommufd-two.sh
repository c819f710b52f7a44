# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# iommufd-two: two NVMe of one guest in one I/O address space. That this kernel can't map their BARs
# for each other is said once, and does no harm.
# shellcheck shell=sh
host=iommufd

run() {
	carillon_only
	bind "$nvme" "$nvme_exclusive"
	guest_start nvme,nvme2,pause --vfio "$nvme" --vfio "$nvme_exclusive"
	guest_wait state=paused
	stat_says '"iommu":"iommufd"' "$nvme" "$nvme_exclusive"
	for bdf in "$nvme" "$nvme_exclusive"; do
		[ "$(host_irqs "$bdf")" -gt 0 ] || fail "no interrupts of $bdf in the host"
	done
	expect_more nvme_irqs 0
	[ "$(find "/proc/$guest_pid/fd" -exec readlink {} \; | grep -c '^/dev/iommu$')" = 1 ] ||
		fail "more than one /dev/iommu is open, or none"
	[ "$(grep -c "out of reach for other devices' DMA" said)" = 1 ] ||
		fail "the warning about the BARs didn't come once"
	guest_say go
	guest_end
	# The guest may number them either way round.
	case "$(guest_value serial0) $(guest_value serial1)" in
	"shared exclusive" | "exclusive shared") ;;
	*) fail "the guest's disks are '$(guest_value serial0)' and '$(guest_value serial1)'" ;;
	esac
}

check() {
	disk_read "$(said serial0)" 0
	disk_read "$(said serial1)" 1
	disk_written shared
	disk_written exclusive
}
