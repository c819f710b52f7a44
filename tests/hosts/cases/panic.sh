# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# panic: a guest that panics with panic=-1 boots again.
# shellcheck shell=sh
host=smp
long="arm64 powerpc"

run() {
	guest_start panic
	guest_wait state=up
	guest_wait state=up
	[ "$vmm" != carillon ] || stat_says '"boots":2'
	guest_stop
}
