# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# panic: a guest that panics with panic=-1 boots again.
# shellcheck shell=sh
host=smp

run() {
	guest_start panic
	guest_wait state=up
	guest_wait state=up
	if [ "$vmm" = carillon ]; then
		stat_says '"boots":2'
		carillon stop "$case_name" || fail "carillon stop: status $?"
		guest_end 0
	else
		kill -TERM "$guest_pid"
		guest_end
	fi
}
