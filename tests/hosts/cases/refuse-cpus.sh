# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-cpus: no CPUs, more than KVM allows, and words.
# shellcheck shell=sh
host=refusals

run() {
	for cpus in 0 5000 -1 several; do
		refuses_run '[cC][pP][uU]'
	done
}
