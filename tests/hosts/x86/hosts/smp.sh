# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# smp: a host with two CPUs and an NVMe.
# shellcheck shell=sh

nvme=0000:00:04.0
host_machine="-smp 2 -m 1536"
disks=shared
devices="
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,addr=4
"
