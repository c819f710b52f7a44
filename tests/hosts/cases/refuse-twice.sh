# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-twice: the same device twice.
# shellcheck shell=sh
host=refusals

run() {
	bind "$nvme"
	refuses_run twice --vfio "$nvme" --vfio "$nvme"
}
