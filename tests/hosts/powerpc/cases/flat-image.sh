# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# flat-image: a kernel that is no ELF file.
# shellcheck shell=sh
host=smp

run() {
	carillon_only
	kernel=/share/guest-flat
	guest_start cpus
	guest_end
	expect_guest cpus=1 clocksource=timebase state=done
}
