# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# guest-64k: a guest with 64 KiB pages on a host with 4.
# shellcheck shell=sh
host=devices

run() {
	use page64k
	bind "$nvme"
	guest_start cpus,nvme,pause --vfio "$nvme"
	guest_wait state=paused
	expect_guest serial0=shared
	case $(guest_value release) in
	*-64k) ;;
	*) fail "the guest runs Linux $(guest_value release)" ;;
	esac
	expect_host_irqs "$nvme" nvme_irqs
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
