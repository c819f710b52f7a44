# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-memlock-v1: in the older version of the host's interface the whole window counts as locked, and
# its tables: the message says so before the kernel does.
# shellcheck shell=sh
host=refusals

run() {
	carillon_only
	bind "$nvme"
	group=$(basename "$(readlink "/sys/bus/pci/devices/$nvme/iommu_group")")
	chmod 666 /dev/kvm "/dev/vfio/$group"
	# 256 MiB of memory, and a window of 1 GiB.
	refuses 'DMA windows of 1077936128 bytes' su -s /bin/sh user -c "ulimit -l 524288
		cd /tmp && exec $vmm run -k $kernel -i $initrd -m 256M -c 1 --name $case_name \
			--vfio $nvme --iommu spapr-v1"
	chmod 600 /dev/kvm "/dev/vfio/$group"
}
