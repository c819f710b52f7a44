# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# memory-above-4g: more memory than fits below the PCI hole.
# shellcheck shell=sh
host=smp

run() {
	memory=5G
	guest_start cpus
	guest_end
	expect_more memory_mib 4700
	expect_guest clocksource=kvm-clock state=done
}
