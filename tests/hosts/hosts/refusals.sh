# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refusals: a host where guests are refused: an NVMe, and one of two functions that share a group.
# shellcheck shell=sh

nvme=0000:00:04.0
twin0=0000:00:09.0
twin1=0000:00:09.1
disks="shared zero one"
devices="
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,addr=4
-drive if=none,id=zero,file=zero.raw,format=raw
-device nvme,drive=zero,serial=zero,addr=9.0,multifunction=on
-drive if=none,id=one,file=one.raw,format=raw
-device nvme,drive=one,serial=one,addr=9.1
"
