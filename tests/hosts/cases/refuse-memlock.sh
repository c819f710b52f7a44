# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-memlock: a limit on locked memory that is too low: the message says how much is needed.
# shellcheck shell=sh
host=refusals

run() {
	bind "$nvme"
	group=$(basename "$(readlink "/sys/bus/pci/devices/$nvme/iommu_group")")
	chmod 666 /dev/kvm "/dev/vfio/$group"
	# 256 MiB, in any of its spellings.
	refuses '268435456\|262144\|256 MiB' su -s /bin/sh user -c "ulimit -l 8192
		cd /tmp && exec $vmm run -k $kernel -i $initrd -m 256M -c 1 --name $case_name --vfio $nvme"
	chmod 600 /dev/kvm "/dev/vfio/$group"
}
