# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# host-64k: a guest with 4 KiB pages on a host with 64.
# shellcheck shell=sh
host=page64k
long="powerpc"
. "$cases/nvme-shared.sh"
