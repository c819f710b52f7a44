# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-iommufd: the interfaces that other architectures have, and what they plan, POWER has not.
# shellcheck shell=sh
host=refusals

run() {
	carillon_only
	bind "$nvme"
	refuses_run '--iommu: POWER hosts have SPAPR' --iommu iommufd --vfio "$nvme"
	refuses_run '--iommu: POWER hosts have SPAPR' --iommu type1 --vfio "$nvme"
	refuses 'no map to plan' carillon vfio map "$nvme"
}
