# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# power10: a host with the next CPU, and an NVMe.
# shellcheck shell=sh

nvme=0001:00:01.0
host_machine="-smp 1 -m 2048,$hotplug -cpu power10"
disks=shared
devices="
-device spapr-pci-host-bridge,index=1,id=phb1
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,bus=phb1.0,addr=1
"
