# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# walk: a host with several of each device, so that one guest gets them with their MSI-X tables in different
# places. Each has a bridge, and so an IOMMU group, of its own. An igb keeps slots for its virtual functions.
# shellcheck shell=sh

nvmes="0001:00:01.0 0002:00:01.0 0003:00:01.0 0004:00:01.0"
exclusives="0005:00:01.0 0006:00:01.0 0007:00:01.0 0008:00:01.0"
e1000es="0009:00:01.0 000a:00:01.0 000b:00:01.0 000c:00:01.0"
igbs="000d:00:01.0 000e:00:01.0 000f:00:01.0 0010:00:01.0"
edu=0011:00:01.0
testdevs=0011:00:02.0
# vfio-pci has them all from the start.
host_params="vfio_pci.ids=1b36:0010,8086:10d3,8086:10c9,1234:11e8,1b36:0005"
host_machine="-smp 1 -m 2048,$hotplug"
devices="
-device spapr-pci-host-bridge,index=17,id=phb17
-device edu,bus=phb17.0,addr=1
-device pci-testdev,bus=phb17.0,addr=2
"

# The domain is the index of the bridge.
at() {
	echo "bus=phb$((0x${1%%:*})).0,addr=1"
}

for index in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	devices="$devices -device spapr-pci-host-bridge,index=$index,id=phb$index"
done
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
