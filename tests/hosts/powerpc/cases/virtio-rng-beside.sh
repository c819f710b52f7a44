# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-rng-beside: an entropy device beside an assigned disk, which has its window for all memory and its
# interrupts all the same.
# shellcheck shell=sh
host=devices
long="powerpc"

run() {
	carillon_only
	use full
	bind "$nvme"
	guest_start nvme,rng,windows,pause --vfio "$nvme" --rng
	guest_wait_calm
	expect_guest serial0=shared windows=1 rng=virtio_rng.0 rng_bytes=4096
	expect_host_irqs "$nvme" nvme_irqs
	expect_more rng_irqs 0
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
