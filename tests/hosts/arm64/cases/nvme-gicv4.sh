# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-gicv4: a disk's interrupts reach the guest without the host's help: it handles next to none.
# shellcheck shell=sh
host=gicv4
long="arm64"

run() {
	dmesg | grep -q 'GICv4.* support enabled' || fail "the host's KVM doesn't use GICv4"
	nvme_past_host
}

check() {
	disk_read shared
	disk_written shared
}
