# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# arch.sh: what tests/hosts must know about x86, outside of the hosts and in them.
# shellcheck shell=sh

# The group of tools/install-deps with what the hosts need.
deps=hosts
make_targets="all guest"
guest_cc=cc
# The kernel of a host whose file names no other.
host_set=kernel-x86
# Loaded by a case that wants a device to be taken.
driver_modules="nvme dm_mod loop"
guest_sets="guest=kernel-cloud-x86 full=kernel-x86 next=kernel-next-x86 virtio=kernel-cloud-x86 folders=kernel-x86 root=kernel-x86 bare=kernel-x86"
busybox_set=busybox-x86
qemu_set=qemu-x86
host_modules="9p 9pnet_virtio kvm_amd vfio_pci vfio_iommu_type1 tun vhost_net macvtap veth vhost_vsock"
# For guests with the full kernel; the cloud kernels have NVMe built in and no network cards.
full_modules="nvme e1000e igb"
virtio_modules="virtio_rng virtio_net virtio_mmio virtio_console virtio_blk virtio_balloon virtio_pmem nd_pmem vmw_vsock_virtio_transport virtiofs"
# For guests without ACPI: the cloud kernels know no MP table.
bare_modules="virtio_rng virtio_net"
folders_modules="9p 9pnet_virtio"
# For guests with a Debian root on a disk, made of root_set.
root_modules="virtio_blk crc32c_generic ext4 9p 9pnet_virtio"
root_set=root-x86
# Programs of others that serve devices: PATH=SET, each with the libraries that it needs.
peers="usr/libexec/virtiofsd=virtiofsd-x86 usr/bin/qemu-storage-daemon=storage-daemon-x86 usr/bin/passt=passt-x86 usr/bin/vhost-device-vsock=vhost-device-x86"
# Other programs that cases of the host need, in the same way; see "tools" in the README.
host_tools="usr/sbin/dmsetup=dmsetup-x86"

# The emulated machine; a host's file adds devices. The intel-iommu driver runs on AMD's CPU too,
# and kvm_amd nests under TCG.
machine="qemu-system-x86_64 -accel tcg,thread=multi -M q35 -cpu EPYC"
iommu="-device intel-iommu,intremap=on,caching-mode=on"
# report= names the port that carries reports. On a busy machine the timer is late for the check of its
# interrupt, and the host panics: hence no_timer_check, as in every guest of KVM.
kernel_params="console=ttyS0 panic=-1 quiet intel_iommu=on mitigations=off nokaslr tsc=reliable no_timer_check report=ttyS1"

# Guests: which console they use, and their clock.
guest_console=console=ttyS0
# What they call the virtio console.
virtio_hvc=hvc0
guest_clocksource=kvm-clock
# A guest sees a level interrupt as often as the host.
intx_times=1
# Whether guests reach the physical MSI-X table.
msix_table=virtual
# What a read of a BAR gives where the device has nothing, or in a width that the device doesn't serve.
holes=ones
# How guests call virtio devices that are on no bus, by where they find them; no: they don't.
virtio_mmio='LNRO0005:*'
# What KVM's statistics of a guest count all its exits by.
kvm_exits=exits
