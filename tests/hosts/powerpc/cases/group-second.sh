# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# group-second: two functions of a group that is not the guest's first: their DMA goes through one window, of
# which each has a part.
# shellcheck shell=sh
host=refusals
long="powerpc"

run() {
	bind "$nvme" "$twin0" "$twin1"
	guest_start disks --vfio "$nvme" --vfio "$twin0" --vfio "$twin1"
	guest_end
	expect_guest state=done
}

check() {
	nth=0
	for disk in shared zero one; do
		disk_read "$(said "serial$nth")" "$nth"
		disk_written "$disk"
		nth=$((nth + 1))
	done
}
