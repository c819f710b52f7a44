# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-no-kvm: a host without /dev/kvm.
# shellcheck shell=sh
host=refusals

run() {
	hide /dev/kvm
	refuses_run /dev/kvm
}
