# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# ddw-off: the window that each device begins with is all there is, and the guest maps what it needs
# when it needs it.
# shellcheck shell=sh
host=devices
long="powerpc"

run() {
	bind "$nvme"
	guest_start nvme,windows --vfio "$nvme" --ddw off
	guest_end
	expect_guest state=done serial0=shared windows=0
}

check() {
	disk_read shared
	disk_written shared
}
