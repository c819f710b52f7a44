# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# nvme-intx-trap: a level interrupt without KVM's help: an access to the BAR ends it, and for that
# the BAR's mappings are hidden while the line is up.
# shellcheck shell=sh
host=devices
long="arm64 powerpc"

run() {
	carillon_only
	params="$params pci=nomsi"
	bind "$nvme"
	guest_start nvme,pause --vfio "$nvme,intx=trap"
	guest_wait state=paused
	expect_host_irqs "$nvme" nvme_irqs "$intx_times"
	stat_says '"mode":"intx"'
	echo "$counters" | grep -q '"through_user_space":0' && fail "no interrupt came through carillon"
	echo "$counters" | grep -q '"bar_traps":0' && fail "no access to the BAR was trapped"
	guest_say go
	guest_end
}

check() {
	disk_read shared
	disk_written shared
}
