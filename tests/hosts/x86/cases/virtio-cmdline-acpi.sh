# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-cmdline-acpi: a kernel that finds devices by ACPI and by its command line finds each twice, and uses it once.
# shellcheck shell=sh
host=virtio
module=virtio_mmio
long=x86

# shellcheck source=/dev/null
. "$cases/virtio-cmdline.sh"

run() {
	carillon_only
	use bare
	write_script
	guest_start warnings,places,rng,net,pause --virtio-transport mmio --rng -n "tap,ifname=guest0,script=$work/up,vhost=on"
	guest_wait_calm
	expect_guest rng=virtio_rng.0 rng_bytes=4096 driver=virtio_net ping=3
	expect_guest place_virtio0=LNRO0005:00 place_virtio1=LNRO0005:01 place_virtio2=
	for second in virtio-mmio.0 virtio-mmio.1; do
		grep -q "kernel: .* $second: error -EBUSY" said || fail "the guest didn't find $second by its command line"
	done
	guest_say go
	guest_end
	expect_guest state=done
}
