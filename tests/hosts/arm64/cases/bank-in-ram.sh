# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# bank-in-ram: a bank where memory is wanted: the message names both.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	bind "$nvme"
	memory=256M@0x40000000
	refuses_run '0x40000000-0x4fffffff' --vfio "$nvme" --msi-bank 0x40000000,2M
	refusal_says '0x40000000-0x401fffff'
}
