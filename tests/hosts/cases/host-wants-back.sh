# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# host-wants-back: the host takes a device away from a running guest: the machine ends and lets go.
# shellcheck shell=sh
host=devices
long="arm64 powerpc"

run() {
	carillon_only
	bind "$nvme"
	guest_start hang --vfio "$nvme"
	guest_wait state=hanging
	# Waits in the kernel until the device is free.
	unbind "$nvme" &
	taker=$!
	guest_end 4
	grep -q 'the host wants the device back' said || fail "the message doesn't say why"
	wait "$taker"
	[ "$(driver_of "$nvme")" = none ] || fail "$nvme is bound to $(driver_of "$nvme")"
}
