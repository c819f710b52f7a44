# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page64k-placed: the same on a host with 64 KiB pages.
# shellcheck shell=sh
host=page64k-walk
long="powerpc"
limit=600
. "$cases/placed.sh"
