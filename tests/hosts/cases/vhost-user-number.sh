# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# vhost-user-number: a back end of which only the device's number is known (virtiofsd, 26) serves a guest's driver.
# shellcheck shell=sh
host=virtio
limit=400
long="x86 arm64 powerpc"

run() {
	carillon_only
	# shellcheck source=/dev/null
	. /share/backends.sh
	need virtiofsd
	use virtio
	patience=200
	make_data
	share_start --tag=share
	wait_for_sockets fs.sock
	# Ten queues are more than it has.
	refuses_run "the back end serves" --vhost-user 26,socket=fs.sock,queues=10,config-size=40
	wait
	share_start --tag=share
	wait_for_sockets fs.sock
	guest_start virtiofs,pause --vhost-user 26,socket=fs.sock,queues=2,config-size=40
	guest_wait_calm
	expect_guest "share_sum=$(echo "$expected" | sed 's/share_sum=\([^ ]*\).*/\1/')"
	[ "$(cat share/from-guest)" = "$mark" ] || fail "the guest's file isn't in the share"
	stat_says '"connected":true,"losses":0'
	guest_say go
	guest_end
	wait
}
