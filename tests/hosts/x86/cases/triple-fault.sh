# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# triple-fault: a guest that ends in a triple fault ends the VMM, with a message and not with 0.
# shellcheck shell=sh
host=smp

run() {
	carillon_only
	params="$params reboot=triple,force"
	guest_start reboot
	guest_end fails
	grep -qi 'triple fault' said || fail "no word of a triple fault: $(tail -n 1 said)"
}
