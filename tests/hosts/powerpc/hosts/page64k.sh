# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page64k: a host with 64 KiB pages, and an NVMe whose BAR is smaller than one.
# shellcheck shell=sh

host_set=kernel-64k-powerpc
nvme=0001:00:01.0
host_machine="-smp 1 -m 2048,$hotplug"
disks=shared
devices="
-device spapr-pci-host-bridge,index=1,id=phb1
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,bus=phb1.0,addr=1
"
