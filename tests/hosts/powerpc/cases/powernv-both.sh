# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-both: on bare metal, two devices behind two bridges in one guest.
# shellcheck shell=sh
host=powernv
long="powerpc"
. "$cases/nvme-both.sh"
