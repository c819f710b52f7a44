# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# smp-4-next: a guest with Linux 7 sees its 4 CPUs.
# shellcheck shell=sh
host=smp
long="x86 powerpc"

run() {
	use next
	cpus=4
	guest_start cpus
	guest_end
	expect_guest cpus=4 cpus_in_interrupts=4 state=done
	case $(guest_value release) in
	7.*) ;;
	*) fail "the guest runs Linux $(guest_value release)" ;;
	esac
}
