# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# powernv-e1000e: a network card on bare metal.
# shellcheck shell=sh
host=powernv
long="powerpc"
. "$cases/e1000e.sh"
