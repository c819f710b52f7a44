# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# smp-4: a guest with Linux 6.12 sees its 4 CPUs.
# shellcheck shell=sh
host=smp
long="powerpc"

run() {
	cpus=4
	guest_start cpus
	guest_end
	expect_guest cpus=4 cpus_in_interrupts=4 state=done
}
