# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# balloon: the host has memory back that the guest frees, and that it is asked for; and the guest gets it again.
# shellcheck shell=sh
host=virtio
long="arm64 powerpc"
limit=240

# What the VMM has of the host's memory, in MiB.
resident() {
	awk '/^Rss:/ { print int($2 / 1024) }' "/proc/$guest_pid/smaps_rollup"
}

actual_is() {
	[ "$(counter actual)" = "$1" ]
}

resident_below() {
	[ "$(resident)" -lt "$1" ]
}

# guest_knows BYTES: the guest's own statistics say that it has more free memory than that.
guest_knows() {
	known=$(counter memory_free)
	[ "${known:-0}" -gt "$1" ]
}

# await WHAT TEST...: the guest brings it about, when it likes.
await() {
	what=$1
	shift
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || fail "$what: $(resident) MiB; $(carillon stat "$guest_name" --json)"
		usleep 100000
	done
}

run() {
	carillon_only
	use virtio
	memory=256M
	mib=1048576
	refuses_run 'devices pin all' --balloon --vfio 0000:00:01.0
	guest_start ballast,pause,drop,pause --balloon
	guest_wait_calm
	full=$(resident)
	[ "$full" -gt 60 ] || fail "the VMM has $full MiB, and the guest fills 60"
	guest_say go
	guest_wait_calm
	await "freed memory is not reported" resident_below $((full - 40))
	reported=$(resident)
	echo "case: $full MiB in use, $reported after 60 were freed"
	await "the guest tells nothing" guest_knows $((120 * mib))
	refuses 'larger than the memory' carillon balloon "$guest_name" 257M
	carillon balloon "$guest_name" 120M || fail "carillon balloon: status $?"
	await "the balloon does not grow" actual_is $((120 * mib))
	echo "case: $(resident) MiB with 120 in the balloon"
	[ "$(resident)" -lt $((256 - 120 + 16)) ] || fail "the VMM has $(resident) MiB beside 120 in the balloon"
	carillon balloon "$guest_name" 0 || fail "carillon balloon: status $?"
	await "the balloon does not shrink" actual_is 0
	stat_says '"broken":0' '"target":0'
	guest_say go
	guest_end
	expect_guest state=done
}
