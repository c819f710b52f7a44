# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# device-tree: Linux takes the device tree without a warning, and it is what --dump-dtb writes.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	bind "$nvme"
	params="$params loglevel=1"
	guest_start warnings,nvme,pause --vfio "$nvme" --dump-dtb dtb
	guest_wait state=paused
	expect_guest warnings=0
	[ "$(od -An -tx1 -N4 dtb | tr -d ' ')" = d00dfeed ] || fail "no device tree in the file"
	strings dtb | grep -q "do=warnings,nvme,pause" || fail "not this guest's tree"
	guest_say go
	guest_end

	mkdir directory
	refuses_run "--dump-dtb directory: Is a directory" --dump-dtb directory
}

check() {
	disk_read shared
	disk_written shared
}
