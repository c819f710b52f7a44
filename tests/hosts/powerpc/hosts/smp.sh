# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# smp: a host with two CPUs and an NVMe, and the one figures are taken in; see the common one.
# shellcheck shell=sh

nvme=0001:00:01.0
host_machine="-smp 2 -m 2048,$hotplug -mem-prealloc"
disks=shared
devices="
-device spapr-pci-host-bridge,index=1,id=phb1
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,bus=phb1.0,addr=1
"
