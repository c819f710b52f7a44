# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# placed-rest: the same with the tables in the other places.
# shellcheck shell=sh
host=walk
limit=300
long="x86 arm64 powerpc"
. "$cases/placed.sh"
turn=1
