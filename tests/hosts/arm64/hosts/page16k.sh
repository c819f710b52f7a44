# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page16k: a host with 16 KiB pages: an NVMe of either kind, whose BARs are no larger than a page or
# smaller, a network card, and five devices with a BAR of 4 KiB: two are alone on their buses, so that
# each has a page to itself, and three share one.
# shellcheck shell=sh

host_set=kernel-16k-arm64
nvme=0000:00:04.0
nvme_exclusive=0000:00:05.0
e1000e=0000:00:06.0
alone0=0000:01:00.0
alone1=0000:02:00.0
together0=0000:00:09.0
together1=0000:00:0a.0
together2=0000:00:0b.0
disks="shared exclusive"
devices="
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,addr=4
-drive if=none,id=exclusive,file=exclusive.raw,format=raw
-device nvme,drive=exclusive,serial=exclusive,msix-exclusive-bar=on,addr=5
-netdev user,id=net0,restrict=on
-device e1000e,netdev=net0,romfile=,addr=6
-device pcie-root-port,id=port1,chassis=1,addr=7
-device pci-testdev,bus=port1
-device pcie-root-port,id=port2,chassis=2,addr=8
-device pci-testdev,bus=port2
-device pci-testdev,addr=9
-device pci-testdev,addr=a
-device pci-testdev,addr=b
"
