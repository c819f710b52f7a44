# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# walk: a host with several of each device, so that one guest gets them with their MSI-X tables in different
# places. Those behind one bridge share an IOMMU group. An igb keeps two slots for its virtual functions.
# shellcheck shell=sh

nvmes="0001:00:01.0 0001:00:02.0 0001:00:03.0 0001:00:04.0"
exclusives="0002:00:01.0 0002:00:02.0 0002:00:03.0 0002:00:04.0"
e1000es="0003:00:01.0 0003:00:02.0 0003:00:03.0 0003:00:04.0"
igbs="0004:00:02.0 0004:00:04.0 0004:00:06.0 0004:00:08.0"
edu=0005:00:01.0
testdevs=0005:00:02.0
# vfio-pci has them all from the start.
host_params="vfio_pci.ids=1b36:0010,8086:10d3,8086:10c9,1234:11e8,1b36:0005"
host_machine="-smp 1 -m 2048,$hotplug"
devices="
-device spapr-pci-host-bridge,index=1,id=phb1
-device nvme,serial=0,bus=phb1.0,addr=1
-device nvme,serial=1,bus=phb1.0,addr=2
-device nvme,serial=2,bus=phb1.0,addr=3
-device nvme,serial=3,bus=phb1.0,addr=4
-device spapr-pci-host-bridge,index=2,id=phb2
-device nvme,serial=4,msix-exclusive-bar=on,msix_qsize=17,bus=phb2.0,addr=1
-device nvme,serial=5,msix-exclusive-bar=on,msix_qsize=17,bus=phb2.0,addr=2
-device nvme,serial=6,msix-exclusive-bar=on,msix_qsize=17,bus=phb2.0,addr=3
-device nvme,serial=7,msix-exclusive-bar=on,msix_qsize=17,bus=phb2.0,addr=4
-device spapr-pci-host-bridge,index=3,id=phb3
-device e1000e,romfile=,bus=phb3.0,addr=1
-device e1000e,romfile=,bus=phb3.0,addr=2
-device e1000e,romfile=,bus=phb3.0,addr=3
-device e1000e,romfile=,bus=phb3.0,addr=4
-device spapr-pci-host-bridge,index=4,id=phb4
-device igb,romfile=,bus=phb4.0,addr=2
-device igb,romfile=,bus=phb4.0,addr=4
-device igb,romfile=,bus=phb4.0,addr=6
-device igb,romfile=,bus=phb4.0,addr=8
-device spapr-pci-host-bridge,index=5,id=phb5
-device edu,bus=phb5.0,addr=1
-device pci-testdev,bus=phb5.0,addr=2
"
