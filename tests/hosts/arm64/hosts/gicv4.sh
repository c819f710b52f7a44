# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# gicv4: a host whose interrupt controller delivers a device's MSIs to a running guest by itself.
# shellcheck shell=sh

nvme=0000:00:04.0
host_machine="-smp 1 -m 1024 -M gic-version=4"
host_params="kvm-arm.vgic_v4_enable=1"
disks=shared
devices="
-drive if=none,id=shared,file=shared.raw,format=raw
-device nvme,drive=shared,serial=shared,addr=4
"
