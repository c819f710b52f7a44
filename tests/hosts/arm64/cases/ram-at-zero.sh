# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# ram-at-zero: memory that would lie across the host's MSI window is laid around the bank.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	memory=256M@0x0
	bind "$nvme"
	guest_start iomem,nvme,pause --vfio "$nvme"
	guest_wait state=paused
	ranges=$(guest_value ram)
	[ -n "$ranges" ] || fail "the guest doesn't know where its memory is"
	below=0
	for range in $ranges; do
		first=$((0x${range%-*}))
		last=$((0x${range#*-}))
		[ "$first" -gt $((0x80fffff)) ] || [ "$last" -lt $((0x8000000)) ] ||
			fail "the guest has memory at $range, inside the host's MSI window"
		[ "$first" -ge $((0x8000000)) ] || below=1
	done
	[ "$below" = 1 ] || fail "no memory below the window: $ranges"
	expect_host_irqs "$nvme" nvme_irqs
	expect_more nvme_msis 0
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
