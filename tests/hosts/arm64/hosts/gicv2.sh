# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# gicv2: a host with the older interrupt controller, and an NVMe. Its MSI frame takes messages from
# every device alike, and so VFIO has to be told that this will do.
# shellcheck shell=sh

nvme=0000:00:04.0
host_machine="-smp 1 -m 1024 -M gic-version=2"
host_params="vfio_iommu_type1.allow_unsafe_interrupts=1"
disks=shared
devices="
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,addr=4
"
