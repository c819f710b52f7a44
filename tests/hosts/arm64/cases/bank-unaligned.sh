# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# bank-unaligned: a bank that does not begin at a page.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	bind "$nvme"
	refuses_run 0x8000800 --vfio "$nvme" --msi-bank 0x8000800,2M
}
