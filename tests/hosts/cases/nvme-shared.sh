# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-shared: an NVMe whose MSI-X table lies in BAR 0 beside its registers. Its data and its
# interrupts cost no exit to user space: the console is all that may.
# shellcheck shell=sh
host=devices
long="x86 powerpc"

run() {
	bind "$nvme"
	guest_start pause,nvme,pause --vfio "$nvme"
	guest_wait state=paused
	[ "$vmm" != carillon ] || exits=$(exits_but_console)
	guest_say go
	guest_wait state=paused
	expect_guest serial0=shared
	expect_host_irqs "$nvme" nvme_irqs
	expect_more nvme_msis 0
	if [ "$vmm" = carillon ]; then
		stat_says "\"name\":\"$case_name\"" '"state":"running"' '"exits"' "$nvme" \
			'"bar_traps":0' '"through_user_space":0'
		traps=$(counter msix_table_traps)
		map_says ram ram
		map_says mapped "$nvme BAR 0"
		case $msix_table in
		mapped) [ "$traps" = 0 ] || fail "$traps accesses to the MSI-X table were trapped" ;;
		*)
			[ "$traps" -gt 0 ] || fail "no access to the MSI-X table was trapped"
			map_says trapped "$nvme MSI-X table"
			;;
		esac
		[ "$(exits_but_console)" = "$exits" ] ||
			fail "exits but for the console: $exits before the I/O, $(exits_but_console) after"
	fi
	guest_say go
	guest_end
	expect_guest state=done
}

check() {
	disk_read shared
	disk_written shared
}
