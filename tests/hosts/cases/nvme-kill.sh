# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-kill: the VMM is killed while its guest has a device; the next one gets it in working order.
# shellcheck shell=sh
host=devices
long="arm64 powerpc"

run() {
	bind "$nvme"
	guest_start nvme,pause --vfio "$nvme"
	guest_wait state=paused
	kill -KILL "$guest_pid"
	guest_end 137
	[ "$(host_irqs "$nvme")" = 0 ] || fail "the host still has handlers for $nvme"
	rm said
	guest_start nvme --vfio "$nvme"
	guest_end
	expect_guest state=done serial0=shared
}

check() {
	disk_read shared
	disk_written shared
}
