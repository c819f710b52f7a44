# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-busy: a device that another guest has.
# shellcheck shell=sh
host=refusals
long="arm64 powerpc"

run() {
	bind "$nvme"
	guest_start hang --vfio "$nvme"
	guest_wait state=hanging
	guest_name=$case_name-second refuses_run "$nvme" --vfio "$nvme"
	guest_stop
}
