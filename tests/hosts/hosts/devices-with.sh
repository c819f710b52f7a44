# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# devices-with: for hosts with many devices that have a disk or a network behind them; at BDF says for QEMU
# where a device is.
# shellcheck shell=sh

# with MODEL BDF...: these are of this model; disks, and their serial numbers, and networks are called like them.
with() {
	model=$1
	shift
	for bdf; do
		name=$(echo "$bdf" | tr : -)
		case $model in
		nvme*)
			disks="${disks-} $name"
			devices="$devices -drive if=none,id=disk$name,file=$name.raw,format=raw
				-device $model,drive=disk$name,serial=$name,$(at "$bdf")"
			;;
		*)
			devices="$devices -netdev user,id=net$name,restrict=on,ipv6=off
				-device $model,netdev=net$name,romfile=,$(at "$bdf")"
			;;
		esac
	done
}
