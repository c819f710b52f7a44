# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# iommufd: a host whose kernel, one of our own, has iommufd and VFIO's character devices; with an NVMe
# of either kind.
# shellcheck shell=sh

host_set=own-iommufd
nvme=0000:00:04.0
nvme_exclusive=0000:00:05.0
disks="shared exclusive"
devices="
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,addr=4
-drive if=none,id=exclusive,file=exclusive.raw,format=raw
-device nvme,drive=exclusive,serial=exclusive,msix-exclusive-bar=on,addr=5
"
