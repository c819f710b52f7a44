# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# devices: a host with one of each device that guests get. All devices behind one host bridge share an
# IOMMU group, so each has a bridge of its own; its index is the domain of the device's address.
# shellcheck shell=sh

# The first NVMe has its MSI-X table beside its registers, the second in a BAR of its own.
nvme=0001:00:01.0
nvme_exclusive=0002:00:01.0
e1000e=0003:00:01.0
igb=0004:00:01.0
virtio_net=0005:00:01.0
virtio_blk=0006:00:01.0
host_machine="-smp 1 -m 2048,$hotplug"
disks="shared exclusive paravirtual"
devices="
-device spapr-pci-host-bridge,index=1,id=phb1
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,bus=phb1.0,addr=1
-device spapr-pci-host-bridge,index=2,id=phb2
-drive if=none,id=exclusive,file=exclusive.raw,format=raw
-device nvme,drive=exclusive,serial=exclusive,msix-exclusive-bar=on,bus=phb2.0,addr=1
-device spapr-pci-host-bridge,index=3,id=phb3
-netdev user,id=net0,restrict=on
-device e1000e,netdev=net0,romfile=,bus=phb3.0,addr=1
-device spapr-pci-host-bridge,index=4,id=phb4
-netdev user,id=net1,restrict=on
-device igb,netdev=net1,romfile=,bus=phb4.0,addr=1
-device spapr-pci-host-bridge,index=5,id=phb5
-netdev user,id=net2,restrict=on
-device virtio-net-pci,netdev=net2,romfile=,disable-legacy=on,iommu_platform=on,bus=phb5.0,addr=1
-device spapr-pci-host-bridge,index=6,id=phb6
-drive if=none,id=paravirtual,file=paravirtual.raw,format=raw
-device virtio-blk-pci,drive=paravirtual,serial=paravirtual,disable-legacy=on,iommu_platform=on,bus=phb6.0,addr=1
"
