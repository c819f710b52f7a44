# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-absent: a device that isn't there, and words that are no device.
# shellcheck shell=sh
host=refusals

run() {
	refuses_run '0000:00:1e.7: .*no such' --vfio 0000:00:1e.7
	refuses_run 'nonsense' --vfio nonsense
}
