# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# bank-misses-window: a bank that leaves the host's MSI window uncovered is refused, with one that
# works.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	bind "$nvme"
	refuses_run 0x10000000 --vfio "$nvme" --msi-bank 0x10000000,2M
	refusal_says 0x8000000
	bank=$(sed -n 's/.*--msi-bank[ =]\(0x[0-9a-f]*,[0-9]*[KMG]\).*/\1/p' refusal)
	[ -n "$bank" ] || fail "the message doesn't name a bank that works"
	guest_start nvme --vfio "$nvme" --msi-bank "$bank"
	guest_end
	expect_guest state=done serial0=shared
	expect_more nvme_msis 0
}

check() {
	disk_read shared
	disk_written shared
}
