# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-cmdline: a guest without ACPI has its CPUs and interrupts by the MP table, its devices by the kernel's
# command line, and of them entropy and network.
# shellcheck shell=sh
host=virtio
module=virtio_mmio
long=x86

# shellcheck source=/dev/null
. "$cases/virtio-net-tap.sh"

run() {
	carillon_only
	use bare
	params="$params acpi=off"
	cpus=2
	write_script
	guest_start cpus,places,rng,net,pause --virtio-transport mmio --rng -n "tap,ifname=guest0,script=$work/up,vhost=on"
	guest_wait_calm
	expect_guest cpus=2 rng=virtio_rng.0 rng_bytes=4096 driver=virtio_net ping=3
	expect_guest place_virtio0=virtio-mmio.0 place_virtio1=virtio-mmio.1
	expect_more rng_irqs 0
	# It knows no way to power off.
	guest_stop
}
