# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-irqchip: an interrupt controller that the host can't offer, and a word: the message says what
# there is.
# shellcheck shell=sh
host=refusals

run() {
	carillon_only
	for irqchip in gicv2 gicv2m nonsense; do
		refuses_run gicv3 --irqchip "$irqchip"
	done
}
