# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# vhost-user-restart: back ends are killed and started again while a guest writes; the guest goes on, and reboots.
# shellcheck shell=sh
host=virtio
limit=500
long="x86 arm64 powerpc"

run() {
	carillon_only
	# shellcheck source=/dev/null
	. /share/backends.sh
	need virtiofsd qemu-storage-daemon
	use virtio
	# On a busy machine a guest is up late.
	patience=150
	refuses_run 'nobody listens at nowhere.sock; start the back end' --vhost-user blk,socket=nowhere.sock
	make_data
	share_start
	disk_start
	wait_for_sockets fs.sock blk.sock
	guest_start virtiofs,vda,blocks,virtiofs,pause,reboot --vhost-user fs,socket=fs.sock,tag=share \
		--vhost-user blk,socket=blk.sock
	guest_wait written=135
	kill -KILL "$disk_pid" "$share_pid"
	guest_wait 'blk.sock: the back end is gone'
	share_start
	disk_start
	guest_wait_calm
	for socket in blk.sock fs.sock; do
		grep -q "$socket: there is a back end again" said || fail "$socket is back, and it was not said"
	done
	for block in 130 135 136 161; do
		disk_has $block
	done
	stat_says '"connected":true,"losses":1'
	echo "$mark" >share/from-guest
	sum=$(sum_of share)
	guest_say go
	guest_wait state=up
	guest_wait_calm
	expect_guest "share_sum=$sum"
	stat_says '"boots":2' '"losses":0'
	guest_stop
	kill "$disk_pid"
	wait
}
