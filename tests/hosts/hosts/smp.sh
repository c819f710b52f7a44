# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# smp: a host with two CPUs and an NVMe, and the one figures are taken in. Hence the memory that is
# there from the start: memory that QEMU first has to fetch from under the emulated host costs
# whoever touches it first 0.6 s of system time for 256 MiB, five times what clearing it does.
# shellcheck shell=sh

nvme=0000:00:04.0
host_machine="-smp 2 -m 1536 -mem-prealloc"
disks=shared
devices="
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,addr=4
"
