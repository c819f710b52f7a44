# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# iommufd-user: a user who may lock as much memory as the guest has and not a page more; given the
# device's file, and then only its group's.
# shellcheck shell=sh
host=iommufd

# guest_of_user KIND COMMAND...: start a guest as the user; which interface does it take by default?
# The command comes while it runs.
guest_of_user() {
	rm -f said
	vmm=./as-user
	guest_start nvme,pause --vfio "$nvme"
	vmm=carillon
	guest_wait state=paused
	stat_says "\"iommu\":\"$1\""
	shift
	"$@"
	guest_say go
	guest_end
	expect_guest state=done serial0=shared
}

# iommufd counts all that an unprivileged user has locked.
refuses_another() {
	refuses 'other processes of this user' ./as-user run -k "$kernel" -i "$initrd" -m "$memory" \
		--name another --vfio "$nvme_exclusive"
}

run() {
	carillon_only
	bind "$nvme" "$nvme_exclusive"
	cat >as-user <<-'END'
		#!/bin/sh
		ulimit -l 262144
		exec su -s /bin/sh -- user -c 'exec carillon "$@"' sh "$@"
	END
	chmod 755 as-user
	mkdir -m 777 sockets
	export CARILLON_RUN="$PWD/sockets"
	devices="/dev/vfio/devices/$(ls "/sys/bus/pci/devices/$nvme/vfio-dev")
		/dev/vfio/devices/$(ls "/sys/bus/pci/devices/$nvme_exclusive/vfio-dev")"
	group=/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$nvme/iommu_group")")
	# A list of files.
	# shellcheck disable=SC2086
	chmod 666 /dev/kvm /dev/iommu $devices
	guest_of_user iommufd refuses_another
	# shellcheck disable=SC2086
	chmod 600 /dev/iommu $devices
	chmod 666 "$group"
	guest_of_user type1 true
	chmod 600 /dev/kvm "$group"
}

check() {
	disk_read shared
	disk_written shared
}
