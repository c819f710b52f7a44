# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-exclusive: on bare metal, an NVMe whose MSI-X table has a BAR of its own.
# shellcheck shell=sh
host=powernv
long="powerpc"
. "$cases/nvme-exclusive.sh"
