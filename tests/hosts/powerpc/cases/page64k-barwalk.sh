# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page64k-barwalk: the same on a host with 64 KiB pages, guest with 4.
# shellcheck shell=sh
host=page64k-walk
long="powerpc"
limit=600
. "$cases/barwalk.sh"
