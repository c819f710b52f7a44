# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# ddw-on: the guest makes itself a window that holds all its memory.
# shellcheck shell=sh
host=devices

run() {
	bind "$nvme"
	guest_start nvme,windows --vfio "$nvme" --ddw on
	guest_end
	expect_guest state=done serial0=shared windows=1 window_page=12
}

check() {
	disk_read shared
	disk_written shared
}
