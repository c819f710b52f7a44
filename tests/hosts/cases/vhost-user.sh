# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# vhost-user: a share (virtiofsd), a disk (qemu-storage-daemon) and a network (passt): data is right in both directions.
# shellcheck shell=sh
host=virtio
limit=500
long="arm64 powerpc"

run() {
	carillon_only
	# shellcheck source=/dev/null
	. /share/backends.sh
	need virtiofsd qemu-storage-daemon passt
	use virtio
	# On a busy machine a guest is up late.
	patience=150
	make_data
	share_start
	disk_start
	net_start
	wait_for_sockets fs.sock blk.sock net.sock
	httpd -p 127.0.0.1:8000 -h share
	params="$params address=169.254.2.1/16 web=169.254.2.2:8000/1/deep/file"
	guest_start virtiofs,vda,download,pause --vhost-user fs,socket=fs.sock,tag=share \
		--vhost-user blk,socket=blk.sock --vhost-user net,socket=net.sock,mac=02:00:00:00:00:07
	guest_wait_calm
	# A list of pairs.
	# shellcheck disable=SC2086
	expect_guest $expected mac=02:00:00:00:00:07 \
		"download_sum=$(sha256sum <share/1/deep/file | cut -c1-64)"
	expect_more vda_irqs 0
	[ "$(cat share/from-guest)" = "$mark" ] || fail "the guest's file isn't in the share"
	disk_has 128
	stat_says '"connected":true,"losses":0'
	guest_say go
	guest_end
	kill "$disk_pid" "$net_pid"
	killall httpd
	wait
}
