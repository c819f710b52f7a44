# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# places: where MSI-X tables can be, and which guest gets which device of the host walk with its table where;
# for the cases that go through all of it.
# shellcheck shell=sh

# places BDF: where its table can be.
places() {
	echo off auto
	bar=0
	upper=no
	while [ "$bar" -lt 6 ] && read -r _ _ flags; do
		# IORESOURCE_IO, IORESOURCE_MEM_64.
		[ "$upper" = yes ] || [ $((flags & 0x100)) != 0 ] || echo "bar$bar"
		upper=no
		[ $((flags & 0x100000)) = 0 ] || upper=yes
		bar=$((bar + 1))
	done <"/sys/bus/pci/devices/$1/resource"
}

# plan BDF...: which guest gets which of these like devices, with its table where: lines "GUEST BDF PLACE".
plan() {
	n=0
	for place in $(places "$1"); do
		echo "$((n / $#)) $(echo "$*" | cut -d' ' -f$((n % $# + 1))) $place"
		n=$((n + 1))
	done
}

# plan_devices: the same for all devices that have such a table.
plan_devices() {
	# Words.
	# shellcheck disable=SC2086
	{
		plan $nvmes
		plan $exclusives
		plan $e1000es
		plan $igbs
	}
}

# option BDF PLACE: what asks for it. Where guests have the device's own table, `off` is for a virtual one where
# the device has it, and `auto`, which has nothing to gain, for the device's.
option() {
	case $msix_table-$2 in
	*-none) [ "$1" != "$edu" ] || echo ,intx=trap ;;
	mapped-off) echo ,msix=trap ;;
	*) echo ",msix-relocation=$2" ;;
	esac
}

# take GUEST: what the file plan has for this guest, as lines "SLOT BDF PLACE" in the file devices, with the
# slots that the devices come into; $taken are the options that ask for them.
take() {
	n=0
	taken=
	while read -r guest bdf place; do
		[ "$guest" = "$1" ] || continue
		n=$((n + 1))
		echo "$(printf %02x "$n") $bdf $place"
		taken="$taken --vfio $bdf$(option "$bdf" "$place")"
	done <plan >devices
}
