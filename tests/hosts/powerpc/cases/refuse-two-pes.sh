# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-two-pes: two devices of which each could go its own way, but for the bridge they are behind:
# they are one group, and another driver has one of them.
# shellcheck shell=sh
host=refusals

run() {
	bind "$neighbour0"
	give_to_nvme "$neighbour1"
	refuses_run 'group .* is not viable' --vfio "$neighbour0"
	refusal_says "$neighbour1.*nvme"
	refusal_says "carillon vfio bind.* $neighbour1"
}
