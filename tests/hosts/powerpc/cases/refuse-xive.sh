# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-xive: a host that is a partition itself has no XIVE for its guests, and the message says who has.
# shellcheck shell=sh
host=refusals

run() {
	carillon_only
	refuses_run "xive: this host's KVM can't: it takes a host on bare metal" --irqchip xive
	refusal_says 'use --irqchip xics'
	refuses_run 'on POWER it is xics or xive' --irqchip gicv3
	guest_start cpus --irqchip xics
	guest_end
	expect_guest state=done
}
