# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# gicv2-unsafe: where MSIs aren't isolated and nobody has told VFIO that this will do, no guest gets a
# device.
# shellcheck shell=sh
host=gicv2
long="arm64"

run() {
	parameter=/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
	bind "$nvme"
	echo N >$parameter
	trap 'echo Y >$parameter' EXIT
	refuses_run allow_unsafe_interrupts --vfio "$nvme"
}
