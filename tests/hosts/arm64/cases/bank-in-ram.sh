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
	refusal_says 'leave --msi-bank out'
	carillon vfio map -m 256M@0x0 "$nvme" || fail "its advice is refused"
}
