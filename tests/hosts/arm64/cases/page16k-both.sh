# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page16k-both: two NVMe on a host with 16 KiB pages: the guest, with 4, may place several BARs in one.
# shellcheck shell=sh
host=page16k
long="arm64"
. "$cases/nvme-both.sh"
