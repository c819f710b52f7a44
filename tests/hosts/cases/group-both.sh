# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# group-both: two functions of one device, which share an IOMMU group, in one guest.
# shellcheck shell=sh
host=refusals
long="arm64 powerpc"

run() {
	bind "$twin0" "$twin1"
	guest_start nvme,nvme2 --vfio "$twin0" --vfio "$twin1"
	guest_end
	expect_guest state=done
	# The guest may number them either way round.
	case "$(guest_value serial0) $(guest_value serial1)" in
	"zero one" | "one zero") ;;
	*) fail "the guest's disks are '$(guest_value serial0)' and '$(guest_value serial1)'" ;;
	esac
}

check() {
	disk_read "$(said serial0)" 0
	disk_read "$(said serial1)" 1
	disk_written zero
	disk_written one
}
