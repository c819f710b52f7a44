# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-net: a paravirtual network card, which the host gives away like any other.
# shellcheck shell=sh
host=devices
long="powerpc"

run() {
	use full
	bind "$virtio_net"
	guest_start net,pause --vfio "$virtio_net"
	guest_wait state=paused
	expect_guest driver=virtio_net ping=3
	expect_host_irqs "$virtio_net" eth_irqs
	guest_say go
	guest_end
}
