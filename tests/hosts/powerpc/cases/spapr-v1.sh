# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# spapr-v1: the older version of the host's interface, which knows one window for each device, and in
# which KVM serves no call of the guest's.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	bind "$nvme"
	guest_start nvme,windows,pause --vfio "$nvme" --iommu spapr-v1
	guest_wait state=paused
	expect_guest serial0=shared windows=0
	expect_more nvme_msis 0
	expect_host_irqs "$nvme" nvme_irqs
	stat_says '"iommu":"spapr-v1"'
	[ "$(counter tce_hypercalls)" -gt 0 ] || fail "no calls came to carillon"
	guest_say go
	guest_end
	expect_guest state=done
}

check() {
	disk_read shared
	disk_written shared
}
