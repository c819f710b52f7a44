# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# registers: an NVMe's registers beside its MSI-X table: trapped, with the table moved, and direct. Lines
# "bench: SUBJECT FIGURE VALUE" are for tests/bench/registers.
# shellcheck shell=sh
host=smp
limit=1800

# With pages of 4 KiB padding is all that shares the table's: so it is read there in place of a register.
trapped() {
	measure "$nvme" 0x2ff0
}

relocated() {
	measure "$nvme,msix-relocation=auto" 0x2ff0
}

direct() {
	measure "$nvme" 0x1c
}

bench_say() {
	echo "bench: $subject $1 $2"
}

# measure DEVICE REGISTER: what a guest with this device gets of its disk and of the register.
measure() {
	rm -f said
	params="quiet panic=-1 register=$2"
	guest_start pause,bench,pause,mmio,pause --vfio "$1"
	guest_wait state=paused
	bar=$(counter bar_traps)
	table=$(counter msix_table_traps)
	guest_say go
	guest_wait state=paused
	bench_say disk_bar_traps $(($(counter bar_traps) - bar))
	bench_say disk_msix_traps $(($(counter msix_table_traps) - table))
	for figure in qd1_iops qd32_iops seq_mibs; do
		sed -n "s/.*GUEST: $figure=//p" said | tr -d '\r' | while read -r value; do
			bench_say $figure "$value"
		done
	done
	bar=$(counter bar_traps)
	guest_say go
	guest_wait state=paused
	bench_say read_traps $(($(counter bar_traps) - bar))
	bench_say read_rate "$(guest_value mmio_rate)"
	guest_say go
	guest_end
}

run() {
	bind "$nvme" ${nvme_exclusive+"$nvme_exclusive"}
	round=0
	# The first round only warms the caches.
	while [ "$round" -le "$rounds" ]; do
		echo "bench: round $round"
		# They take turns at being first.
		case $((round % 3)) in
		0) order="trapped relocated direct" ;;
		1) order="relocated direct trapped" ;;
		*) order="direct trapped relocated" ;;
		esac
		for subject in $order; do
			"$subject"
		done
		round=$((round + 1))
	done
}
