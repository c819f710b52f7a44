# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-relocation: BARs that an MSI-X table can't be moved to, before a guest exists.
# shellcheck shell=sh
host=devices

# is_wide BDF: BAR 0 is a 64-bit one to the kernel. The firmware of POWER partitions tells it otherwise.
is_wide() {
	read -r _ _ flags <"/sys/bus/pci/devices/$1/resource"
	[ $((flags & 0x100000)) != 0 ]
}

run() {
	carillon_only
	bind "$nvme" "$e1000e"
	refuses_run 'BAR 2 has I/O ports' --vfio "$e1000e,msix-relocation=bar2"
	refuses_run "what is 'msix-relocation=bar6'" --vfio "$nvme,msix-relocation=bar6"
	if is_wide "$nvme"; then
		refuses_run 'BAR 1 is the upper half of BAR 0; use msix-relocation=bar0' \
			--vfio "$nvme,msix-relocation=bar1"
	fi
	# Not every host has one.
	if [ -n "${edu-}" ]; then
		bind "$edu"
		refuses_run 'has no MSI-X table' --vfio "$edu,msix-relocation=bar2"
	fi
}
