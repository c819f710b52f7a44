# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# gicv2-nvme: an NVMe's MSIs by way of GICv2m, the host's and the guest's.
# shellcheck shell=sh
host=gicv2
. "$cases/nvme-shared.sh"
