# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-group: a group of which another driver has a member: the message names each with its driver.
# shellcheck shell=sh
host=refusals

run() {
	bind "$twin0"
	give_to_nvme "$twin1"
	refuses_run 'group .* is not viable' --vfio "$twin0"
	refusal_says "$twin0.*vfio-pci"
	refusal_says "$twin1.*nvme"
	refusal_says "carillon vfio bind.* $twin1"
}
