# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refusals: a host where guests are refused: an NVMe alone, and twice two that share a group: functions
# of one device, and devices behind one bridge.
# shellcheck shell=sh

nvme=0001:00:01.0
twin0=0002:00:09.0
twin1=0002:00:09.1
neighbour0=0003:00:01.0
neighbour1=0003:00:02.0
host_machine="-smp 1 -m 2048,$hotplug"
disks="shared zero one two three"
devices="
-device spapr-pci-host-bridge,index=1,id=phb1
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,bus=phb1.0,addr=1
-device spapr-pci-host-bridge,index=2,id=phb2
-drive if=none,id=zero,file=zero.raw,format=raw
-device nvme,drive=zero,serial=zero,bus=phb2.0,addr=9.0,multifunction=on
-drive if=none,id=one,file=one.raw,format=raw
-device nvme,drive=one,serial=one,bus=phb2.0,addr=9.1
-device spapr-pci-host-bridge,index=3,id=phb3
-drive if=none,id=two,file=two.raw,format=raw
-device nvme,drive=two,serial=two,bus=phb3.0,addr=1
-drive if=none,id=three,file=three.raw,format=raw
-device nvme,drive=three,serial=three,bus=phb3.0,addr=2
"
