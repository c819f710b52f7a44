# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# placed: drivers work with an MSI-X table in every place: disks are read and written, cards answer to ping.
# What is not the table is direct. (placed-rest has the places that are too many for one guest.)
# shellcheck shell=sh
host=walk
limit=300
long="x86 arm64 powerpc"
turn=0

# has_bar SLOT BAR:SIZE: the guest saw a BAR of this size.
has_bar() {
	case " $(guest_value "bars$1") " in *" $2 "*) ;; *)
		fail "slot $1 has no BAR $2: $(guest_value "bars$1")" ;;
	esac
}

# expect_disk SLOT BDF: the disk that belongs to this device was there.
expect_disk() {
	expect_guest "driver$1=nvme" "disk$1=$(echo "$2" | tr : -)"
	expect_host_irqs "$2" "nvme_irqs$1"
}

# expect_card SLOT BDF DRIVER
expect_card() {
	expect_guest "driver$1=$3" "ping$1=3"
	expect_host_irqs "$2" "eth_irqs$1"
}

# expect_table SLOT BDF PLACE: the table cost traps if, and only if, it is a virtual one, and nothing else did;
# which is for pages of 4 KiB, in larger ones registers may be together with what can't be mapped.
expect_table() {
	traps=$(device_number "$2" msix_table_traps <counters)
	if [ "$msix_table-$3" = mapped-auto ]; then
		[ "$traps" = 0 ] || fail "$2 $3: $traps accesses to the device's own table were trapped"
	else
		[ "$traps" -gt 0 ] || fail "$2 $3: the table was never touched"
	fi
	traps=$(device_number "$2" bar_traps <counters)
	[ "$page" != 4096 ] || [ "$traps" = 0 ] || fail "$2 $3: $traps accesses beside the table were trapped"
}

# expect_direct BDF PLACE: how much more of the device is direct than if its virtual table were where its own is:
# the pages of that, and of its PBA, which an exclusive has in one page.
expect_direct() {
	more=8192
	case " $exclusives " in *" $1 "*) more=4096 ;; esac
	[ "$2" != off ] || more=0
	direct=$(device_number "$1" made_direct <counters)
	[ "$direct" = "$more" ] || fail "$1 $2: $direct more bytes are direct, not $more"
}

# expect_sizes SLOT BDF PLACE: a BAR that has a table behind its registers has grown, a new one is as large as
# it must be.
expect_sizes() {
	unit=$page
	[ "$msix_table" = virtual ] || unit=65536
	case $3 in
	bar0) case " $nvmes " in *" $2 "*) has_bar "$1" "0:$((2 * (unit > 16384 ? unit : 16384)))" ;; esac ;;
	bar5) has_bar "$1" "5:$unit" ;;
	esac
}

run() {
	carillon_only
	# shellcheck source=/dev/null
	. /share/places.sh
	use full
	page=$(awk '/KernelPageSize/ { print $2 * 1024; exit }' /proc/self/smaps)
	plan_devices >plan
	take "$turn"
	while read -r _ bdf _; do
		bind "$bdf"
	done <devices
	# Words.
	# shellcheck disable=SC2086
	guest_start bars,disks,cards,pause $taken
	guest_wait_calm
	carillon stat "$guest_name" --json | tee counters
	while read -r nth bdf place; do
		case " $nvmes $exclusives , $e1000es , $igbs " in
		*" $bdf "*,*,*) expect_disk "$nth" "$bdf" ;;
		*,*" $bdf "*,*) expect_card "$nth" "$bdf" e1000e ;;
		*) expect_card "$nth" "$bdf" igb ;;
		esac
		expect_table "$nth" "$bdf" "$place"
		expect_sizes "$nth" "$bdf" "$place"
		[ "$msix_table-$page" != virtual-4096 ] || expect_direct "$bdf" "$place"
	done <devices
	guest_say go
	guest_end
	expect_guest state=done
}

check() {
	nth=0
	while [ -n "$(said "serial$nth")" ]; do
		disk_read "$(said "serial$nth")" "$nth"
		disk_written "$(said "serial$nth")"
		nth=$((nth + 1))
	done
}
