# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-hugepages: emulated bare metal says nothing of huge pages to its kernel, which then has none.
# shellcheck shell=sh
host=powernv
long="powerpc"

run() {
	carillon_only
	[ ! -e /proc/sys/vm/nr_hugepages ] || skip "this host has huge pages"
	refuses_run 'has no huge pages: leave --hugepages out' --hugepages
}
