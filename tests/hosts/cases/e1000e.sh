# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# e1000e: a network card with several MSI-X vectors, table in BAR 3; it answers to ping.
# shellcheck shell=sh
host=devices
long="x86"

run() {
	use full
	bind "$e1000e"
	guest_start net,pause --vfio "$e1000e"
	guest_wait state=paused
	expect_guest driver=e1000e ping=3
	expect_host_irqs "$e1000e" eth_irqs
	guest_say go
	guest_end
}
