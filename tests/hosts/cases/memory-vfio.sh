# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# memory-vfio: a machine with an assigned disk has at most 1 MiB of its own, at work too.
# shellcheck shell=sh
host=devices
long="x86 arm64 powerpc"
limit=240

run() {
	carillon_only
	patience=200
	bind "$nvme"
	memory=128M
	guest_start nvme,pause --vfio "$nvme"
	guest_wait_calm
	own_memory_below 1024
	guest_say go
	guest_end
	expect_guest state=done written0="$mark"
}

check() {
	disk_written shared
}
