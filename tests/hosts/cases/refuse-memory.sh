# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-memory: guest memory in impossible sizes.
# shellcheck shell=sh
host=refusals

run() {
	carillon_only
	for memory in 0 1000000G 99999999999999999999G lots 4K; do
		refuses_run "$memory\|memory"
	done
}
