# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# igb: a network card with several MSI-X vectors, table in BAR 3; it answers to ping.
# shellcheck shell=sh
host=devices
long="arm64 powerpc"

run() {
	use full
	bind "$igb"
	guest_start net,pause --vfio "$igb"
	guest_wait state=paused
	expect_guest driver=igb ping=3
	expect_host_irqs "$igb" eth_irqs
	guest_say go
	guest_end
}
