# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page64k-walk: the devices of walk on a host with 64 KiB pages.
# shellcheck shell=sh
# shellcheck source=/dev/null
. "${hosts:?}/walk.sh"

host_set=kernel-64k-powerpc
