# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# direct-map-64k: on a host with pages of 64 KiB all of an NVMe's registers share the MSI-X table's page.
# With the table mapped, reading one costs no exit; with the table trapped each read does.
# shellcheck shell=sh
host=page64k
long="powerpc"

# rate_of [OPTION]: reads per second of a register that a guest makes, and traps that they cost.
rate_of() {
	guest_start pause,mmio,pause --vfio "$nvme$1"
	guest_wait state=paused
	traps=$(counter bar_traps)
	guest_say go
	guest_wait state=paused
	traps=$(($(counter bar_traps) - traps))
	rate=$(guest_value mmio_rate)
	guest_say go
	guest_end
	[ "${rate:-0}" -gt 0 ] || fail "no reads"
}

run() {
	carillon_only
	bind "$nvme"
	rate_of ""
	direct=$rate
	[ "$traps" = 0 ] || fail "$traps reads were trapped in spite of the mapping"
	rate_of ,msix=trap
	[ "$traps" -gt 0 ] || fail "no read was trapped"
	echo "case: a register beside the table: $direct reads/s mapped, $rate trapped," \
		"$((direct / rate)) times as many"
	[ "$direct" -gt "$rate" ] || fail "$direct reads/s mapped, $rate trapped"
}
