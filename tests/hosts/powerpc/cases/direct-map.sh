# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# direct-map: the MSI-X table is mapped into the guest like the registers around it, unless carillon is
# told to trap it, which makes no difference to the guest.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	bind "$nvme"
	for options in "" ,msix=trap; do
		guest_start nvme,pause --vfio "$nvme$options"
		guest_wait state=paused
		expect_guest serial0=shared
		expect_more nvme_msis 0
		expect_host_irqs "$nvme" nvme_irqs
		traps=$(counter msix_table_traps)
		case $options in
		"")
			[ "$traps" = 0 ] || fail "$traps accesses to the table were trapped"
			[ "$(counter bar_traps)" = 0 ] || fail "accesses to registers were trapped"
			;;
		*) [ "$traps" -gt 0 ] || fail "no access to the table was trapped" ;;
		esac
		guest_say go
		guest_end
	done
}

check() {
	disk_read shared
	disk_written shared
}
