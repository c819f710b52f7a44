# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page16k-balloon: a host with pages of 16 KiB has them back once the guest has given all four parts.
# shellcheck shell=sh
# shellcheck source=/dev/null
. "${cases:?}/balloon.sh"
host=page16k
long="arm64"
