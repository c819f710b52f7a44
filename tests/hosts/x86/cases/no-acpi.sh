# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# no-acpi: a guest without ACPI has all CPUs, and its PCI devices' level interrupts, by the MP table.
# shellcheck shell=sh
host=virtio
long=x86

# shellcheck source=/dev/null
. "$cases/virtio-net-tap.sh"

run() {
	carillon_only
	use bare
	params="$params acpi=off pci=nomsi"
	cpus=2
	write_script
	guest_start cpus,rng,net,pause --rng -n "tap,ifname=guest0,script=$work/up,vhost=on"
	guest_wait_calm
	expect_guest cpus=2 rng=virtio_rng.0 rng_bytes=4096 driver=virtio_net ping=3
	expect_more rng_irqs 0
	# It knows no way to power off.
	guest_stop
}
