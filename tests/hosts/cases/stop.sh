# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# stop: list and stat show a running guest, stop ends it.
# shellcheck shell=sh
host=smp
long="arm64 powerpc"

run() {
	carillon_only
	guest_start hang
	guest_wait state=hanging
	carillon list | grep -q "^$case_name\$" || fail "carillon list doesn't show it"
	stat_says "\"name\":\"$case_name\"" '"state":"running"' '"boots":1' '"cpus":1'
	guest_stop
	[ -z "$(carillon list)" ] || fail "carillon list still shows: $(carillon list)"
	refuses "$case_name" carillon stat "$case_name"
}
