# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# registers-64k: the same on a POWER host with pages of 64 KiB, where the table may be trapped, moved or
# mapped with the registers around it.
# shellcheck shell=sh
host=page64k
limit=1800
. "$cases/registers.sh"

trapped() {
	measure "$nvme,msix=trap" 0x1c
}

relocated() {
	measure "$nvme,msix=trap,msix-relocation=auto" 0x1c
}

direct() {
	measure "$nvme" 0x1c
}
