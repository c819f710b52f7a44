# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-iommufd: iommufd on a host whose kernel lacks it: the message names the option and the way out.
# shellcheck shell=sh
host=refusals

run() {
	carillon_only
	bind "$nvme"
	refuses_run CONFIG_IOMMUFD --iommu iommufd --vfio "$nvme"
	refusal_says '--iommu type1'
	refuses CONFIG_IOMMUFD carillon vfio map --iommu iommufd "$nvme"
	carillon vfio map --iommu auto "$nvme" || fail "auto: status $?"
}
