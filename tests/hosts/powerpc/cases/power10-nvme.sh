# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# power10-nvme: an NVMe on a POWER10 host.
# shellcheck shell=sh
host=power10
. "$cases/nvme-shared.sh"
