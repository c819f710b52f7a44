# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# tce-acceleration: the guest's hypercalls that map memory for a device are served by KVM, or by
# carillon, with the same effect.
# shellcheck shell=sh
host=devices
long="powerpc"

run() {
	carillon_only
	bind "$nvme"
	for acceleration in on off; do
		# Without a window of its own the guest makes such a call for each transfer.
		guest_start nvme,pause --vfio "$nvme" --ddw off --tce-acceleration $acceleration
		guest_wait state=paused
		expect_guest serial0=shared
		calls=$(counter tce_hypercalls)
		case $acceleration in
		on) [ "$calls" = 0 ] || fail "$calls calls came to carillon in spite of KVM" ;;
		off) [ "$calls" -gt 0 ] || fail "no calls came to carillon" ;;
		esac
		guest_say go
		guest_end
	done
}

check() {
	disk_read shared
	disk_written shared
}
