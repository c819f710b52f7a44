# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# arch.sh: what tests/hosts must know about arm64, outside of the hosts and in them.
# shellcheck shell=sh

# The group of tools/install-deps with what the hosts need.
deps=hosts-arm64
make_targets="all guest"
guest_cc=aarch64-linux-gnu-gcc
# The kernel of a host whose file names no other.
host_set=kernel-arm64
# Loaded by a case that wants a device to be taken.
driver_modules="nvme dm_mod loop"
guest_sets="guest=kernel-cloud-arm64 full=kernel-arm64 next=kernel-next-arm64 virtio=kernel-cloud-arm64 folders=kernel-arm64 root=kernel-arm64"
busybox_set=busybox-arm64
qemu_set=qemu-arm64
host_modules="9p 9pnet_virtio vfio_pci vfio_iommu_type1 tun vhost_net macvtap veth vhost_vsock"
# For guests with the full kernel; the cloud kernels have NVMe built in and no network cards.
full_modules="nvme e1000e igb"
virtio_modules="virtio_rng virtio_blk virtio_net virtio_mmio virtio_console virtio_balloon virtio_pmem nd_pmem vmw_vsock_virtio_transport virtiofs"
folders_modules="9p 9pnet_virtio"
# For guests with a Debian root on a disk, made of root_set.
root_modules="virtio_blk crc32c_generic ext4 9p 9pnet_virtio"
root_set=root-arm64
# Programs of others that serve devices: PATH=SET, each with the libraries that it needs.
peers="usr/libexec/virtiofsd=virtiofsd-arm64 usr/bin/qemu-storage-daemon=storage-daemon-arm64 usr/bin/passt=passt-arm64 usr/bin/vhost-device-vsock=vhost-device-arm64"
# Other programs that cases of the host need, in the same way; see "tools" in the README.
host_tools="usr/sbin/dmsetup=dmsetup-arm64"

# The emulated machine; a host's file adds devices. This CPU has the virtualization host extensions,
# without which a run takes half as long again.
machine="qemu-system-aarch64 -accel tcg,thread=multi -M virt,virtualization=on,gic-version=3 -cpu neoverse-n2,pauth-impdef=on"
iommu="-M iommu=smmuv3"
# report= names the port that carries reports.
kernel_params="console=ttyAMA0 panic=-1 quiet mitigations=off nokaslr report=ttyAMA1"

# Guests: which console they use (the one their device tree names), and their clock.
guest_console=
# What they call the virtio console.
virtio_hvc=hvc0
guest_clocksource=arch_sys_counter
# A guest sees a level interrupt as often as the host.
intx_times=1
# Whether guests reach the physical MSI-X table.
msix_table=virtual
# What a read of a BAR gives where the device has nothing, or in a width that the device doesn't serve.
holes=fault
# How guests call virtio devices that are on no bus, by where they find them; no: they don't.
virtio_mmio='*.virtio'
# What KVM's statistics of a guest count all its exits by.
kvm_exits=exits
