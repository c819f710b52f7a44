# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# vfio-check: carillon vfio check says what of a device would be mapped and what would help: the same before
# VFIO has the device as after, and what a guest then has. A device that is in use, or not there, is refused.
# shellcheck shell=sh
host=devices
long="arm64 powerpc"

# check_says DEVICE TEXT...: what carillon vfio check must say of a device, with one blank for many; all of
# it is left in the file "answer".
check_says() {
	device=$1
	shift
	carillon vfio check "$device" >answer 2>&1
	status=$?
	cat answer
	[ "$status" = 0 ] || fail "carillon vfio check $device: status $status"
	tr -s ' ' <answer >squeezed
	for text; do
		grep -qF -- "$text" squeezed || fail "carillon vfio check $device doesn't say '$text'"
	done
}

# predicted_right BDF: what was predicted of a device is what VFIO then tells. The lines above the BARs
# differ: they say who has it.
predicted_right() {
	check_says "$1" 'predicted from sysfs'
	sed '1,/^$/d' answer >predicted
	bind "$1"
	check_says "$1" 'bound to vfio-pci'
	! grep -q predicted answer || fail "$1 is bound, and still predicted"
	sed '1,/^$/d' answer | diff predicted - || fail "$1: predicted was something else"
}

run() {
	carillon_only
	for device in "$nvme" "$nvme_exclusive" "$e1000e" "$igb"; do
		predicted_right "$device"
	done
	if [ "$msix_table" = virtual ]; then
		check_says "$nvme" ' 0x0-0x1fff 8K mapped' ' 0x2000-0x240f 1040 table virtual, 65 vectors' \
			' 0x2410-0x2fff 3056 trapped in a page with the MSI-X table' \
			'msix-relocation=auto would map 8192 more bytes (table in BAR 0 at 0x4000)'
	else
		check_says "$nvme" ' 0x0-0x3fff 16K mapped' "the device's own MSI-X table" \
			'no msix-relocation alone would map more'
	fi
	check_says "$nvme,msix=trap,msix-relocation=bar5" ' 0x0-0x3fff 16K mapped' 'BAR 5' \
		'8192 bytes are mapped because of it'
	check_says "$e1000e" ' trapped ports are not mapped'
	# Not every host has one.
	if [ -n "${edu-}" ]; then
		predicted_right "$edu"
		check_says "$edu" ' 0x0-0xfffff 1M mapped' 'no MSI-X'
	fi
	carillon vfio check --json "$nvme" | tr -d ' \n' | grep -q "\"bdf\":\"$nvme\".*\"vectors\":65,\"access\":" ||
		fail "no such JSON"
	refuses 'no such PCI device' carillon vfio check 0000:00:1e.7
	refuses 'has I/O ports' carillon vfio check "$e1000e,msix-relocation=bar2"

	# The pieces that a guest then has: their sizes, in order.
	check_says "$nvme" 'MSI-X: 65 vectors'
	awk '/^ +0x/ { print $2 }' answer >expected
	guest_start hang --vfio "$nvme"
	guest_wait state=hanging
	carillon debug "$guest_name" --map >map || fail "carillon debug: status $?"
	cat map
	awk -v bdf="$nvme" 'index($0, bdf) { print $2 }' map | diff expected - ||
		fail "the guest has other pieces of $nvme than was said"
	refuses 'another process uses this group' carillon vfio check "$nvme"
	guest_stop
}
