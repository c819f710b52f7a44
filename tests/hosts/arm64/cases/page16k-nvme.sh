# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page16k-nvme: all of the NVMe's BAR 0, with registers and MSI-X table, is one page of the host. The
# table has to be served, so the registers are too.
# shellcheck shell=sh
host=page16k
long="arm64"

run() {
	bind "$nvme"
	guest_start nvme,pause --vfio "$nvme"
	guest_wait state=paused
	expect_guest serial0=shared
	expect_host_irqs "$nvme" nvme_irqs
	expect_more nvme_msis 0
	if [ "$vmm" = carillon ]; then
		stat_says '"through_user_space":0'
		[ "$(counter bar_traps)" -gt 0 ] || fail "no access to the BAR was trapped"
	fi
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
