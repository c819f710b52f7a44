# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-no-hv: a host whose KVM has no way to run guests: the message names the module.
# shellcheck shell=sh
host=refusals

run() {
	rmmod kvm_hv
	trap 'insmod /modules/kvm_hv.ko' EXIT
	refuses_run kvm-hv
}
