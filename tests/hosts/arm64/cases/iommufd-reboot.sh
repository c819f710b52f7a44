# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# iommufd-reboot: the device's file is let go of and bound anew within one process.
# shellcheck shell=sh
host=iommufd
. "$cases/nvme-reboot.sh"
