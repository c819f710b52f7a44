# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-hash-4k: with a hash MMU and pages of 4 KiB in the host a guest reaches a part of its memory
# before it has its MMU, and is told so. It sees all of it in the end.
# shellcheck shell=sh
host=powernv4k
limit=200
long="powerpc"

run() {
	carillon_only
	memory=128M
	refuses_run 'in the 32 MiB that are reached without an MMU' --cpu mmu=hash
	refusal_says '-m'
	memory=192M
	# It maps each page of 4 KiB by a hypercall before it has a console.
	patience=150
	guest_start mmu,cpus,iomem,warnings --cpu mmu=hash
	guest_end
	expect_guest mmu=Hash "ram=00000000-0bffffff " state=done
	! grep 'WARNING:\|numa:' said || fail "the guest's kernel warns of what it was given"
	expect_more memory_mib 100
}
