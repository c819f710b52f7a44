# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-mmu: a hash guest on a host that has radix alone, and an MMU that is none.
# shellcheck shell=sh
host=refusals

run() {
	carillon_only
	refuses_run "mmu=hash: this host's KVM can't; it has: mmu=radix" --cpu mmu=hash
	refuses_run 'mmu=radix, mmu=hash or mmu=auto' --cpu mmu=segments
	guest_start mmu
	guest_end
	expect_guest mmu=Radix state=done
}
