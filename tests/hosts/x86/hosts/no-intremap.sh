# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# no-intremap: a host without interrupt remapping, and an NVMe.
# shellcheck shell=sh

nvme=0000:00:04.0
iommu="-device intel-iommu,intremap=off,caching-mode=on"
disks=shared
devices="
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,addr=4
"
