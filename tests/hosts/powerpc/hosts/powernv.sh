# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv: bare metal, with 64 KiB pages: the IOMMU and the interrupt controller (XIVE) are its own. Each
# bridge has one slot; QEMU's defaults are the bridges. Linux can't reach the ports of a second UART.
# shellcheck shell=sh

host_set=kernel-64k-powerpc
nvme=0000:01:00.0
nvme_exclusive=0001:01:00.0
e1000e=0002:01:00.0
machine="qemu-system-ppc64 -accel tcg,thread=multi -M powernv9 -cpu power9"
host_machine="-smp 1 -m 3072"
# With it on (see powernv-bypass) the host would count no interrupts.
host_params="kvm_hv.kvm_irq_bypass=0"
no_defaults="-net none"
own_slot=bus=pcie.5,addr=0
report_port="-chardev stdio,id=reports
-device virtio-serial-pci,$own_slot.0,multifunction=on -device virtconsole,chardev=reports"
disks="shared exclusive"
devices="
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,bus=pcie.0
-drive if=none,id=exclusive,file=exclusive.raw,format=raw
-device nvme,drive=exclusive,serial=exclusive,msix-exclusive-bar=on,bus=pcie.1
-netdev user,id=net0,restrict=on
-device e1000e,netdev=net0,romfile=,bus=pcie.2
"
