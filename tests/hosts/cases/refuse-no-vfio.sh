# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-no-vfio: a host without /dev/vfio/vfio: no guest without its device.
# shellcheck shell=sh
host=refusals

run() {
	bind "$nvme"
	hide /dev/vfio/vfio
	refuses_run /dev/vfio/vfio --vfio "$nvme"
}
