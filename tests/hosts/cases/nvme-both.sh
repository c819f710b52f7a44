# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-both: two NVMe, one of each layout, in one guest.
# shellcheck shell=sh
host=devices
long="x86 arm64 powerpc"

run() {
	bind "$nvme" "$nvme_exclusive"
	guest_start nvme,nvme2 --vfio "$nvme" --vfio "$nvme_exclusive"
	guest_end
	expect_guest state=done
	expect_more nvme_irqs 0
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
