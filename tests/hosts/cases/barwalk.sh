# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# barwalk: in a guest every byte of every BAR reads in every width as it does in the host, wherever the MSI-X
# table is, and the table as a virtual one after reset; where, and only where, the guest can't reach a byte by
# itself each read is trapped. Writes, too, arrive as they were made.
#
# On the host's side the bytes come from mappings of VFIO's file, in the guest from mappings of the BARs; so
# what is trapped is compared across two ways to the device.
# shellcheck shell=sh
host=walk
limit=600
long="x86 arm64 powerpc"

# What there is to read where a read of nothing is a fault, as BAR:FIRST-END:WIDTHS. QEMU's NVMe has registers
# in all of the first 8K of BAR 0. Tables and PBAs serve dwords and qwords, and around them is nothing. BAR 1
# of the network cards, their flash, is empty, and BAR 3 but for the table. edu serves dwords and qwords.
# After reset no register that is read here changes with time or by being read.
nvme_serves="0:0-2000:1248 0:2000-2410:48 0:3000-3010:48"
exclusive_serves="0:0-2000:1248 4:0-110:48 4:800-808:48"
e1000e_serves="0:0-20000:1248 2:0-20:124 3:0-50:48 3:2000-2008:48"
igb_serves="0:0-20000:1248 2:0-20:124 3:0-a0:48 3:2000-2008:48"
edu_serves="0:0-100000:48"
testdev_serves="0:0-1000:1248 1:0-100:124"

# record RANGES BDF...: keep what the host sees.
record() {
	serves=$1
	shift
	ranges=$serves
	[ "$holes" = fault ] || ranges=
	for bdf; do
		bind "$bdf"
		# Words.
		# shellcheck disable=SC2086
		seen=$(barrecord "$bdf" "records/$bdf" $ranges) || fail "$bdf can't be recorded"
		echo "case: $bdf: $seen"
		# A pci-testdev that was told nothing says nothing.
		[ "${seen#*live=}" != 0 ] || [ "$serves" = "$testdev_serves" ] || fail "$bdf reads as nothing"
	done
}

# record_all: of the exclusive ones, a host may have the last be read as a whole and the others briefly.
record_all() {
	mkdir records
	# Words, here and below.
	# shellcheck disable=SC2086
	{
		record "$nvme_serves" $nvmes
		record "${exclusive_briefly:-$exclusive_serves}" $exclusives
		record "$exclusive_serves" ${exclusives##* }
		record "$e1000e_serves" $e1000es
		record "$igb_serves" $igbs
		record "$edu_serves" $edu
		record "$testdev_serves" $testdevs
	}
}

# plan_all: the last is edu, with a level interrupt that costs its mappings.
plan_all() {
	plan_devices
	for bdf in $testdevs $edu; do
		echo "1 $bdf none"
	done
}

# walk GUEST STEPS: start a guest with its devices, which does the steps, the first of them `walk`.
walk() {
	guest_steps=$2
	take "$1"
	rm -rf walk said
	mkdir walk
	while read -r nth bdf place; do
		table=virtual
		[ "$msix_table-$place" != mapped-auto ] || table=own
		cp "records/$bdf" "walk/$nth-$table"
	done <devices
	# A kernel takes one archive after another.
	{ cat "$plain_initrd" && find walk | cpio -o -H newc; } >initrd || fail "no initrd"
	# shellcheck disable=SC2086
	guest_start "$guest_steps" $taken
	guest_wait_calm
	carillon stat "$guest_name" --json >counters
	while read -r nth bdf place; do
		judge "$nth" "$bdf" "$place"
	done <devices
}

# number NAME: what is behind NAME= in what the guest saw of a device.
number() {
	echo "$saw" | sed -n "s/.*\\b$1=\([0-9]*\).*/\1/p"
}

# judge SLOT BDF PLACE: were all reads right, and trapped if, and only if, they have to be?
judge() {
	saw=$(guest_value "walk$1")
	echo "case: $2 $3: $saw"
	[ "$(number wrong)" = 0 ] || fail "$2 $3: wrong reads: $saw; $(grep "mistake=$1" said)"
	[ $(($(number mapped) + $(number served))) -gt 0 ] || fail "$2 $3: nothing was read"
	trapped=$(device_number "$2" bar_traps <counters)
	[ "$trapped" = $(($(number served) + $(number beyond))) ] || fail "$2 $3: $trapped reads trapped: $saw"
	trapped=$(($(device_number "$2" msix_table_traps <counters) + $(device_number "$2" msix_pba_traps <counters)))
	[ "$trapped" = "$(number virtual)" ] || fail "$2 $3: $trapped reads of the table trapped: $saw"
	case $3 in bar*) [ "bar$(number table)" = "$3" ] || fail "$2 $3: the table is elsewhere: $saw" ;; esac
}

# expect_writes: edu's while it is mapped, then while its line is up and each access is an exit.
expect_writes() {
	guest_say go
	guest_wait_calm
	expect_guest testdev_good="$((22 * $(echo "$testdevs" | wc -w)))" edu_good=192
	[ "$(device_counter "$edu" bar_traps)" = 0 ] || fail "edu's BAR was not mapped"
	tries=0
	until [ "$(device_counter "$edu" through_user_space)" -gt 0 ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || fail "edu's interrupt never came"
		usleep 50000
	done
	guest_say go
	guest_wait_calm
	expect_guest edu_good=192
	# Each that is good was a write and a read.
	[ "$(device_counter "$edu" bar_traps)" -ge 384 ] || fail "edu's BAR was mapped while its line was up"
}

run() {
	carillon_only
	# shellcheck source=/dev/null
	. /share/places.sh
	record_all
	plan_all >plan
	! grep "^2" plan || fail "two guests are too few"
	params="$params drivers=none initcall_blacklist=nvme_init"
	plain_initrd=$initrd
	initrd=initrd
	walk 0 walk,pause
	guest_say go
	guest_end
	walk 1 walk,pause,testdev,edu,raise,pause,edu,lower,pause
	expect_writes
	guest_say go
	guest_end
}
