# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# memory-above-4g: more memory than fits below 4 GiB.
# shellcheck shell=sh
host=smp
long="arm64 powerpc"

run() {
	memory=5G
	# More than the host has, which not every VMM tells the kernel not to reserve.
	[ "$vmm" = carillon ] || echo 1 >/proc/sys/vm/overcommit_memory
	guest_start cpus
	guest_end
	expect_more memory_mib 4700
	expect_guest clocksource="$guest_clocksource" state=done
}
