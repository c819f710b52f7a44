# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# hugepages: guest memory from hugetlbfs; refused when the pool is too small.
# shellcheck shell=sh
host=smp
long="arm64 powerpc"

run() {
	carillon_only
	memory=128M
	echo 8 >/proc/sys/vm/nr_hugepages
	refuses_run 'nr_hugepages' --hugepages
	echo 64 >/proc/sys/vm/nr_hugepages
	guest_start cpus,pause --hugepages --prefault
	guest_wait state=paused
	free=$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)
	[ "$free" = 0 ] || fail "$free of 64 huge pages are free while the guest runs"
	guest_say go
	guest_end
	free=$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)
	echo 0 >/proc/sys/vm/nr_hugepages
	[ "$free" = 64 ] || fail "$free of 64 huge pages are free after it"
}
