# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv4k: bare metal with 4 KiB pages and no devices to give away; see powernv.
# shellcheck shell=sh

host_set=kernel-powerpc
machine="qemu-system-ppc64 -accel tcg,thread=multi -M powernv9 -cpu power9"
host_machine="-smp 1 -m 1536"
no_defaults="-net none"
own_slot=bus=pcie.5,addr=0
report_port="-chardev stdio,id=reports
-device virtio-serial-pci,$own_slot.0,multifunction=on -device virtconsole,chardev=reports"
devices=
