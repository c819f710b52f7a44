# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# devices: a host with one of each device that guests get.
# shellcheck shell=sh

# The first NVMe has its MSI-X table beside its registers, the second in a BAR of its own.
nvme=0000:00:04.0
nvme_exclusive=0000:00:05.0
e1000e=0000:00:06.0
igb=0000:00:07.0
edu=0000:00:08.0
testdev=0000:00:09.0
# Behind a port, which reports its errors to the host.
port=0000:00:0a.0
rng=0000:01:00.0
virtio_net=0000:00:0b.0
virtio_blk=0000:00:0c.0
disks="shared exclusive paravirtual"
devices="
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,addr=4
-drive if=none,id=exclusive,file=exclusive.raw,format=raw
-device nvme,drive=exclusive,serial=exclusive,msix-exclusive-bar=on,addr=5
-netdev user,id=net0,restrict=on
-device e1000e,netdev=net0,romfile=,addr=6
-netdev user,id=net1,restrict=on
-device igb,netdev=net1,romfile=,addr=7
-device edu,addr=8
-device pci-testdev,addr=9
-device pcie-root-port,id=port0,addr=a
-device virtio-rng-pci,id=rng,disable-legacy=on,iommu_platform=on,aer=on,bus=port0
-netdev user,id=net2,restrict=on
-device virtio-net-pci,netdev=net2,romfile=,disable-legacy=on,iommu_platform=on,addr=b
-drive if=none,id=paravirtual,file=paravirtual.raw,format=raw
-device virtio-blk-pci,drive=paravirtual,serial=paravirtual,disable-legacy=on,iommu_platform=on,addr=c
"
