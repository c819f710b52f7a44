# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# disks: a host with two NVMe of its own, whose sectors have 4 KiB; they can be discarded.
# shellcheck shell=sh

first=0000:00:04.0
second=0000:00:05.0
host_machine="-smp 2 -m 1536"
disks="one two"
devices="
-drive if=none,id=one,file=one.raw,format=raw,discard=unmap
-device nvme,drive=one,serial=one,logical_block_size=4096,physical_block_size=4096,addr=4
-drive if=none,id=two,file=two.raw,format=raw,discard=unmap
-device nvme,drive=two,serial=two,logical_block_size=4096,physical_block_size=4096,addr=5
"
