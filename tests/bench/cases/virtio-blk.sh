# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio-blk: the same guest with a virtio disk, behind which is the host's own NVMe, under carillon and QEMU by
# turns: what it reads, and what that costs. Lines "bench: VMM NAME VALUE" are for tests/bench/boot.
# shellcheck shell=sh
host=smp
limit=1800
. "$cases/boot.sh"

make_ready() {
	give_to_nvme "$nvme"
	use virtio
}

# Requests that the guest's disk has had; the kernel's Documentation/admin-guide/iostats.rst, the first field.
requests() {
	guest_value requests
}

# Nothing has touched all of the guest's memory, so what is mapped for it is left out.
own_memory() {
	awk -v guest=$((256 * 1024)) '/^Size:/ { own = $2 < guest } /^Private_/ && own { n += $2 } END { print n }' \
		"/proc/$guest_pid/smaps"
}

measure() {
	rm -f said
	echo 'hist:keys=reason' >"$events/trigger"
	params='quiet panic=-1 disk=vda'
	guest_start pause,bench,requests,pause -d /dev/nvme0n1,direct
	guest_wait state=paused
	bench_say memory_kib "$(own_memory)"
	user=$(user_ticks)
	system=$(system_ticks)
	exits=$(userspace_exits)
	guest_say go
	guest_wait state=paused
	n=$(requests)
	bench_say exits_per_1000 $((($(userspace_exits) - exits) * 1000 / n))
	bench_say cpu_us_per_request $((($(user_ticks) + $(system_ticks) - user - system) * 10000 / n))
	bench_say io_memory_kib "$(own_memory)"
	disk_figures
	guest_say go
	guest_end
	echo '!hist:keys=reason' >"$events/trigger"
}
