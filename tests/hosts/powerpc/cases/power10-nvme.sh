# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# power10-nvme: an NVMe on a POWER10 host.
# shellcheck shell=sh
host=power10
long="powerpc"
. "$cases/nvme-shared.sh"
