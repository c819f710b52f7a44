# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-driver: a device that another driver has: the message says how to bind it.
# shellcheck shell=sh
host=refusals

run() {
	give_to_nvme "$nvme"
	refuses_run "$nvme" --vfio "$nvme"
	refusal_says "carillon vfio bind $nvme"
	[ "$(driver_of "$nvme")" = nvme ] || fail "the device is bound to $(driver_of "$nvme") afterwards"
}
