# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# bank-in-ram: a bank where memory is wanted: the message names both.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	memory=256M@0x0
	bind "$nvme"
	refuses_run 0x8000000-0x81fffff --vfio "$nvme" --msi-bank 0x8000000,2M
	refusal_says 0x0-0xfffffff
	# The message's own advice, both halves of it.
	memory=$(sed -n 's/.* with -m \([0-9]*[MG]\) and no address.*/\1/p' refusal)
	bank=$(sed -n 's/.*or use --msi-bank \(0x[0-9a-f]*,[0-9]*[KMG]\) with.*/\1/p' refusal)
	[ -n "$memory" ] && [ -n "$bank" ] || fail "the message doesn't name what works"
	carillon vfio map -m "$memory" --msi-bank "$bank" "$nvme" || fail "its advice is refused"
	carillon vfio map -m 256M@0x0 "$nvme" || fail "its other advice is refused"
}
