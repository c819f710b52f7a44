# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-kernel: kernels that aren't kernels.
# shellcheck shell=sh
host=refusals

run() {
	carillon_only
	for what in missing empty random truncated; do
		rm -f bad
		case $what in
		empty) : >bad ;;
		random) head -c 100000 /dev/urandom >bad ;;
		truncated) head -c 40000 "$kernel" >bad ;;
		esac
		kernel=$PWD/bad
		refuses_run "$kernel"
		kernel=/share/guest-kernel
	done
}
