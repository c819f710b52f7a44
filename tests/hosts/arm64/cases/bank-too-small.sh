# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# bank-too-small: a bank that has no room for what must be in it.
# shellcheck shell=sh
host=devices

run() {
	carillon_only
	bind "$nvme"
	refuses_run 'too small\|at least' --vfio "$nvme" --msi-bank 0x8000000,1M
	refusal_says 0x8000000
}
