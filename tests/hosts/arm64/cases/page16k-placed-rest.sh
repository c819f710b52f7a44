# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page16k-placed-rest: the same with the tables in the other places.
# shellcheck shell=sh
host=page16k-walk
long="arm64"
limit=300
. "$cases/placed-rest.sh"
