# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page64k-placed-rest: the same with the tables in the other places.
# shellcheck shell=sh
host=page64k-walk
long="powerpc"
limit=600
. "$cases/placed-rest.sh"
