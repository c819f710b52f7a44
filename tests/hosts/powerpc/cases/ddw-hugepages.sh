# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# ddw-hugepages: with huge pages behind its memory the guest's window has such pages, too.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	bind "$nvme"
	# 256 MiB, in pages of 2 MiB.
	echo 128 >/proc/sys/vm/nr_hugepages
	guest_start nvme,windows,pause --vfio "$nvme" --hugepages
	guest_wait state=paused
	expect_guest serial0=shared windows=1 window_page=21
	expect_host_irqs "$nvme" nvme_irqs
	guest_say go
	guest_end
	echo 0 >/proc/sys/vm/nr_hugepages
	expect_guest state=done
}

check() {
	disk_read shared
	disk_written shared
}
