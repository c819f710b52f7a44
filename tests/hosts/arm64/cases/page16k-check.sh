# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page16k-check: carillon vfio check on a host with pages of 16 KiB, where BARs share them: who with, and
# what gives them pages of their own; and doing what it says has the effect that it says.
# shellcheck shell=sh
host=page16k
long="arm64"
. "$cases/vfio-check.sh"

run() {
	carillon_only
	for device in "$nvme" "$nvme_exclusive" "$alone0" "$together0"; do
		predicted_right "$device"
	done
	check_says "$nvme" ' 0x0-0x1fff 8K trapped in a page with the MSI-X table and the pending bits' \
		'msix-relocation=auto would map 16384 more bytes (table in BAR 0 at 0x4000)'
	check_says "$alone0" 'BAR 0: 32-bit memory, 4K, to the guest 16K' ' 0x0-0x3fff 16K mapped alone in its page'
	check_says "$alone0,subpage=exact" ' 0x0-0xfff 4K mapped while the guest has it alone'
	check_says "$nvme_exclusive" 'BAR 0: 64-bit memory, 8K, to the guest 16K' \
		'in a page with the MSI-X table and the pending bits; smaller than a page of the host, ' \
		"pci=resource_alignment=14@$nvme_exclusive on the host's kernel command line and msix-relocation=auto" \
		'would map 4096 more bytes (pages of their own for BAR 4; table in BAR 4 at 0x4000)'

	# The parameter can be given late, for a device that is then found anew.
	check_says "$together2" 'predicted from sysfs' ' 0x0-0xfff 4K trapped smaller than a page of the host' ', shares it with BAR 0 of '
	sed -n 's/^pci=resource_alignment=\([^ ]*\) .* would map 4096 more bytes.*/\1/p' answer >parameter
	[ -s parameter ] || fail "no advice for $together2"
	cat parameter >/sys/bus/pci/resource_alignment
	echo 1 >"/sys/bus/pci/devices/$together2/remove"
	echo 1 >/sys/bus/pci/rescan
	bind "$together2"
	check_says "$together2" ' 0x0-0x3fff 16K mapped'
}
