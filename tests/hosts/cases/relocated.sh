# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# relocated: the MSI-X tables of three devices are moved: one behind the registers of its BAR, which the driver
# finds where it was, two into BARs that the devices have not, of 32 and of 64 bits. Everything but the
# tables is direct.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	use full
	bind "$nvme" "$nvme_exclusive" "$e1000e"
	# Where guests have the physical table it is in nobody's way: hence msix=trap.
	guest_start bars,nvme,nvme2,net,pause --vfio "$nvme,msix=trap,msix-relocation=auto" \
		--vfio "$nvme_exclusive,msix=trap,msix-relocation=bar5" \
		--vfio "$e1000e,msix=trap,msix-relocation=bar4"
	guest_wait state=paused
	expect_guest driver=e1000e ping=3
	expect_more nvme_msis 0
	expect_host_irqs "$e1000e" eth_irqs
	stat_says '"made_direct":8192' '"through_user_space":0'
	carillon stat "$guest_name" --json | tr -d ' \n' | grep -o '"bar_traps":[0-9]*' | sort -u >traps
	[ "$(cat traps)" = '"bar_traps":0' ] || fail "accesses beside the tables were trapped: $(cat traps)"
	carillon stat "$guest_name" --json | grep -q '"msix_table_traps": *0' && fail "a table was never touched"
	# In the guest's slots 1 to 3: the first NVMe's BAR 0 has grown, the others have one more.
	half=16384
	page=4096
	[ "$msix_table" = virtual ] || half=65536 page=65536
	expect_guest "bars01=0:$((2 * half))" "bars02=0:8192 4:4096 5:$page" \
		"bars03=0:131072 1:131072 2:32 3:16384 4:$page"
	guest_say go
	guest_end
	expect_guest state=done
}

check() {
	disk_read "$(said serial0)" 0
	disk_read "$(said serial1)" 1
	disk_written shared
	disk_written exclusive
}
