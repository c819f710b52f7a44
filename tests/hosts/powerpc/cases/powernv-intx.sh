# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-intx: a level interrupt on bare metal.
# shellcheck shell=sh
host=powernv
long="powerpc"
. "$cases/nvme-intx.sh"
