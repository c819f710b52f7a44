# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# arch.sh: what tests/hosts must know about POWER, outside of the hosts and in them.
# shellcheck shell=sh

# The group of tools/install-deps with what the hosts need.
deps=hosts-powerpc
make_targets="all guest"
guest_cc=powerpc64le-linux-gnu-gcc
# The kernel of a host whose file names no other.
host_set=kernel-powerpc
# Loaded by a case that wants a device to be taken.
driver_modules="nvme dm_mod loop"
guest_sets="guest=kernel-powerpc full=kernel-powerpc page64k=kernel-64k-powerpc virtio=kernel-powerpc folders=kernel-powerpc root=kernel-powerpc"
busybox_set=busybox-powerpc
qemu_set=qemu-powerpc
host_modules="9p 9pnet_virtio kvm_hv vfio_pci vfio_iommu_spapr_tce tun vhost_net macvtap veth vhost_vsock"
# Debian has one kernel for all machines, with drivers in modules.
guest_modules="nvme"
full_modules="nvme e1000e igb virtio_net virtio_rng"
virtio_modules="virtio_rng virtio_blk virtio_net virtio_console virtio_balloon vmw_vsock_virtio_transport virtiofs"
folders_modules="9p 9pnet_virtio"
# For guests with a Debian root on a disk, made of root_set.
root_modules="virtio_blk crc32c_generic ext4 9p 9pnet_virtio"
root_set=root-powerpc
# Programs of others that serve devices: PATH=SET, each with the libraries that it needs.
peers="usr/libexec/virtiofsd=virtiofsd-powerpc usr/bin/qemu-storage-daemon=storage-daemon-powerpc usr/bin/passt=passt-powerpc usr/bin/vhost-device-vsock=vhost-device-powerpc"
# Other programs that cases of the host need, in the same way; see "tools" in the README.
host_tools="usr/sbin/dmsetup=dmsetup-powerpc"
page64k_modules="nvme"

# The emulated machine; a host's file adds devices. It is a partition whose hypervisor lets it have
# guests of its own; IOMMU and interrupt controller are the hypervisor's.
machine="qemu-system-ppc64 -accel tcg,thread=multi -M pseries,cap-nested-hv=on,cap-htm=off -cpu power9"
iommu=
# Part of -m: without room for more memory the host's device tree says that it ends at 0. A driver then
# fails to get a DMA window that holds it all, and where one has failed VFIO can map nothing.
hotplug=slots=1,maxmem=4096M
# report= names the port that carries reports.
kernel_params="console=hvc0 panic=-1 quiet mitigations=off nokaslr report=hvc1"

# Guests: which console they use (the one their device tree names), and their clock.
guest_console=
# What they call the virtio console.
virtio_hvc=hvc1
guest_clocksource=timebase
# A XICS can't tell when a guest has handled a level interrupt. One that was handled together with the one
# before it stays up until carillon asks the device, and is presented again and again until then.
intx_times=10
# Whether guests reach the physical MSI-X table.
msix_table=mapped
# What a read of a BAR gives where the device has nothing, or in a width that the device doesn't serve.
holes=fault
# How guests call virtio devices that are on no bus, by where they find them; no: they don't.
virtio_mmio=no
# What KVM's statistics of a guest count all its exits by.
kvm_exits=sum_exits
