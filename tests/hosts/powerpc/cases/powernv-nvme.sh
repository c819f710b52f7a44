# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-nvme: an NVMe on bare metal, with 64 KiB pages.
# shellcheck shell=sh
host=powernv
. "$cases/nvme-shared.sh"
