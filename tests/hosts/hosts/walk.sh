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
devices="
-device nvme,serial=5,addr=5
-device nvme,serial=7,addr=7
-device nvme,serial=9,addr=9
-device nvme,serial=11,addr=b
-device nvme,serial=12,msix-exclusive-bar=on,msix_qsize=17,addr=c
-device nvme,serial=13,msix-exclusive-bar=on,msix_qsize=17,addr=d
-device nvme,serial=14,msix-exclusive-bar=on,msix_qsize=17,addr=e
-device nvme,serial=15,msix-exclusive-bar=on,msix_qsize=17,addr=f
-device e1000e,romfile=,addr=10
-device e1000e,romfile=,addr=11
-device e1000e,romfile=,addr=12
-device e1000e,romfile=,addr=13
-device igb,romfile=,addr=4
-device igb,romfile=,addr=6
-device igb,romfile=,addr=8
-device igb,romfile=,addr=a
-device edu,addr=1c
-device pci-testdev,addr=1d
"
