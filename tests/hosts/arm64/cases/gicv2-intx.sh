# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# gicv2-intx: a level-triggered pin of a GICv2.
# shellcheck shell=sh
host=gicv2
long="arm64"
. "$cases/nvme-intx.sh"
