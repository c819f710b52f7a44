# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-intremap: a host without interrupt remapping.
# shellcheck shell=sh
host=no-intremap

run() {
	bind "$nvme"
	refuses_run 'interrupt remapping' --vfio "$nvme"
}
