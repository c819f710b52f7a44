# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# iommufd-kill: the VMM is killed while its guest's device is bound to iommufd.
# shellcheck shell=sh
host=iommufd
. "$cases/nvme-kill.sh"
