# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page16k-e1000e: a network card on a host with 16 KiB pages, guest with 4.
# shellcheck shell=sh
host=page16k
long="arm64"
. "$cases/e1000e.sh"
