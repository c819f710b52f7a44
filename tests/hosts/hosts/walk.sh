# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# walk: a host with several of each device, so that one guest gets them with their MSI-X tables in different
# places. An igb keeps two slots for its virtual functions, 0x10 and 0x11 above its own.
# shellcheck shell=sh

nvmes="0000:00:05.0 0000:00:07.0 0000:00:09.0 0000:00:0b.0"
exclusives="0000:00:0c.0 0000:00:0d.0 0000:00:0e.0 0000:00:0f.0"
e1000es="0000:00:10.0 0000:00:11.0 0000:00:12.0 0000:00:13.0"
igbs="0000:00:04.0 0000:00:06.0 0000:00:08.0 0000:00:0a.0"
edu=0000:00:1c.0
testdevs=0000:00:1d.0
# vfio-pci has them all from the start.
host_params="vfio_pci.ids=1b36:0010,8086:10d3,8086:10c9,1234:11e8,1b36:0005"
devices="-device edu,addr=1c -device pci-testdev,addr=1d"

at() {
	echo "addr=${1#*:*:}"
}

# shellcheck source=/dev/null
. "${hosts:?}/devices-with.sh"
# Words.
# shellcheck disable=SC2086
{
	with nvme $nvmes
	with nvme,msix-exclusive-bar=on,msix_qsize=17 $exclusives
	with e1000e $e1000es
	with igb $igbs
}
