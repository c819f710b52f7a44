# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# registers-16k: the same on a host with pages of 16 KiB, where all of an NVMe's registers share the
# table's. What is read is CSTS (NVMe 1.4, 3.1); it is direct where the table has a BAR of its own.
# shellcheck shell=sh
host=page16k
limit=1800
. "$cases/registers.sh"

trapped() {
	measure "$nvme" 0x1c
}

relocated() {
	measure "$nvme,msix-relocation=auto" 0x1c
}

direct() {
	measure "$nvme_exclusive" 0x1c
}
