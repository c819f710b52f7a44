# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page16k-barwalk: the same on a host with 16 KiB pages, guest with 4.
# shellcheck shell=sh
host=page16k-walk
long="arm64"
limit=600
. "$cases/barwalk.sh"
