# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# gicv2-irqchip: a host with a GICv2 offers no GICv3: the message says what there is.
# shellcheck shell=sh
host=gicv2
long="arm64"

run() {
	carillon_only
	for irqchip in gicv3 gicv3-its; do
		refuses_run gicv2 --irqchip "$irqchip"
	done
}
