# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page16k-subpage: BARs of 4 KiB on a host with pages of 16, guest with 4. Shown as large as a page of the
# host, those that the host has alone in a page are mapped, wherever the guest puts them; shown as they
# are, only while no other is in their page. The others are served. A relocated table frees the NVMe's.
# shellcheck shell=sh
host=page16k
long="arm64"

# read_all OPTION: a guest reads a register of each device.
read_all() {
	guest_start bars,reads,nvme,pause --vfio "$nvme,msix-relocation=auto" --vfio "$alone0,$1" --vfio "$alone1,$1" \
		--vfio "$together0,$1" --vfio "$together1,$1"
	guest_wait state=paused
	for slot in 02 03 04 05; do
		expect_guest "bars$slot=0:$2 1:256"
		expect_more "reads$slot" 0
	done
	expect_guest serial0=shared
}

# traps BDF: accesses to the device that were trapped.
traps() {
	device_counter "$1" bar_traps
}

run() {
	carillon_only
	bind "$nvme" "$alone0" "$alone1" "$together0" "$together1"
	read_all subpage=expand 16384
	[ "$(traps "$alone0") $(traps "$alone1")" = "0 0" ] || fail "a BAR with a page to itself was trapped"
	[ "$(traps "$together0")" -gt 0 ] || fail "a BAR that the host can't map was not trapped"
	[ "$(traps "$together1")" -gt 0 ] || fail "a BAR that the host can't map was not trapped"
	expect_guest bars01=0:32768
	[ "$(traps "$nvme")" = 0 ] || fail "$(traps "$nvme") accesses to the NVMe were trapped"
	[ "$(device_counter "$nvme" made_direct)" = 16384 ] || fail "not all of the NVMe's BAR is direct"
	guest_say go
	guest_end

	# The first is enabled and read before the second, which comes into its page.
	read_all subpage=exact 4096
	[ "$(traps "$alone0")" = 0 ] || fail "a BAR at the beginning of a page was trapped"
	[ "$(traps "$alone1")" -gt 0 ] || fail "a BAR was mapped that shares a page"
	[ "$(traps "$together0")" -gt 0 ] || fail "a BAR that the host can't map was not trapped"
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
