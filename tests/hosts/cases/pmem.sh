# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# pmem: files of the host are memory of the guest; what it writes is in the one and not in the read-only one.
# shellcheck shell=sh
host=virtio
module=virtio_pmem
long="x86 arm64 powerpc"

sum() {
	sha256sum <"$1" | cut -d' ' -f1
}

run() {
	carillon_only
	use virtio
	head -c 6291456 /dev/urandom >kept
	head -c 2097152 /dev/urandom >fixed
	kept=$(sum kept)
	fixed=$(sum fixed)
	refuses_run 'nowhere: No such file' --pmem nowhere
	refuses_run 'no file' --pmem /dev/null
	echo short >short
	refuses_run 'must have a multiple of 2M' --pmem short
	refuses_run 'another machine has it' --pmem kept --pmem kept
	guest_start pmem,pause --pmem kept --pmem fixed,ro
	guest_wait_calm
	expect_guest pmem0_sha256="$kept" pmem1_sha256="$fixed" pmem0_changed=yes pmem1_changed=yes
	yes "$mark" | head -c 65536 >wanted
	dd if=kept bs=64k skip=1 count=1 2>/dev/null | cmp - wanted || fail "the file has not what the guest wrote"
	[ "$(sum fixed)" = "$fixed" ] || fail "the read-only file was changed"
	[ "$(counter flushes)" -gt 0 ] || fail "nothing was flushed"
	map_says mapped "pmem kept shared memory" || fail "the file is not mapped"
	stat_says '"broken":0' '"flush_errors":0'
	guest_say go
	guest_end
	expect_guest state=done
}
