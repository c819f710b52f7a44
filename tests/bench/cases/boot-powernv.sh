# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# boot-powernv: the same on bare POWER, with pages of 64 KiB and one CPU.
# shellcheck shell=sh
host=powernv
limit=900
. "$cases/boot.sh"
